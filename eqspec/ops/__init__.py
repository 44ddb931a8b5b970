"""Mechanisms: one file per op, `eqspec/ops/<family>/<name>.py`, found by its name.

May import errors, nn and spec. Op files never import one another and are free of torch when
imported: parameters, ports and shapes stand at module level, `build` imports torch inside.

`eqspec.ops.find.find_op` imports an op by family and name; `eqspec.ops.op` is what each is made of.
"""
