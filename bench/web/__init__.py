"""`make bench-web`: the site under load, over a database as a label would have it after years."""
