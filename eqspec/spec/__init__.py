"""The schema of a spec, and YAML parsed with the location of every key and value.

May import errors. Knows no card, no op and no torch: it detects values of the wrong form or unit,
but not unknown names of cards and ops.

`eqspec.spec.load.load_spec` reads one file and reports all its problems in one pass.
"""
