"""Rules that a legal spec satisfies, and warnings about legal but unusual choices."""
