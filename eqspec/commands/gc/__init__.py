"""`eqspec gc`: removal of files that no run needs."""
