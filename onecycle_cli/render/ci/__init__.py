"""Findings in the formats that CI systems read: GitHub's workflow commands, SARIF, JUnit XML."""
