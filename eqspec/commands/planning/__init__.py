"""From a path to plans, and what they take: every command begins here."""
