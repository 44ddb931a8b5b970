"""Commands that take long, on the screen: progress while they work, tables at the end."""
