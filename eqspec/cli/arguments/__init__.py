"""The arguments of each command and what it says: one file per command, named like it."""
