"""The training graph as torch modules, and the interpreter that runs it."""
