"""`eqspec explain`: pages about diagnostic codes and about values of a spec."""
