"""`eqspec explain`: pages about error codes and about values of a spec."""
