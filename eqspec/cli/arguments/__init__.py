"""Arguments, help text and output of each command: one file per command, with the same name."""
