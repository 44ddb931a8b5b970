"""`eqspec ablate`: train a spec over a grid of values and seeds, and tabulate the results."""
