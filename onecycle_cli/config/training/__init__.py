"""Training configs of other programs: where the one-cycle block stands, and what it and its surroundings say."""
