"""`eqspec show`: pages about cards, ops and runs."""
