"""`eqspec status`: all runs of a folder and their states."""
