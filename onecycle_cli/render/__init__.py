"""Rendering: a schedule or findings out. Knows nothing of configs."""
