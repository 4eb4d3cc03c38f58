"""A page of HTML: one file with a chart, which needs no other file and no network."""
