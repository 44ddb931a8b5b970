"""Command line: parse arguments, call a command, render its result. The only package that prints.

May import every other package. rich and typer are imported only here, and environment variables
are read only here. torch is imported lazily by the commands that need it.

`eqspec.cli.main.main` takes the arguments and returns the exit status.
"""
