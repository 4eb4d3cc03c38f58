"""The policy: numbers in, numbers out. Knows no file and no screen."""
