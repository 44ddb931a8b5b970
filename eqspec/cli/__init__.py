"""The command line: parse, call a command, render. The only place that prints.

May import everything; rich and typer are imported nowhere else, and the environment is read only
here. torch is imported by the commands that need it, when they need it.

`eqspec.cli.main.main` takes the arguments and returns the exit status.
"""
