"""`eqspec audit`: reproducibility, from intact files (L0) to repeated evaluations (L4)."""
