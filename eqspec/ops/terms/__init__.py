"""Loss terms, from named streams to one number, over the global batch."""
