"""The schema of a spec, and YAML parsed with the location of every key and value.

May import errors. Knows no card, no op and no torch: it can say that a value has the wrong form or
unit, not that a name stands for nothing.

`eqspec.spec.load.load_spec` reads one file and reports all its problems in one pass.
"""
