"""A logged run: its readers, and what holds it against a schedule."""
