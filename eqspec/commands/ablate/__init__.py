"""`eqspec ablate`: one recipe over a grid of values and seeds, and one table of the results."""
