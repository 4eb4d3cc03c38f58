"""A logged run: its readers, and what compares it with a plan or recovers the plan from it."""
