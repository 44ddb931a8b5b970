"""Declarations that the module of an op must have: one Protocol per family. Free of torch.

An op is a Python file. A lookup in `eqspec.ops.find` returns it as an instance of its family's
Protocol (`eqspec.ops.contract.bind`): what the file leaves out has the default given here.
"""
