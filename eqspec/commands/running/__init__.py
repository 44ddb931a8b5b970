"""Runs of plans: prepared, trained, evaluated, sealed and compared."""
