"""`eqspec diff`: the differences of two runs or specs, and their effect."""
