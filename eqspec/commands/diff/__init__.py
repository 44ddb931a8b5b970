"""`eqspec diff`: what differs between two runs or specs, and what it changes."""
