"""A fuzzer: inputs that nobody would write, and what must hold for all of them. `python -m tests.fuzz --help`."""
