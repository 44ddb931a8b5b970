"""Mechanisms: one file per op, `eqspec/ops/<family>/<name>.py`, found by its name.

May import errors, nn and spec. Op files never import one another and are free of torch when
imported: `build` imports it inside.

`eqspec.ops.contract` declares what the ops of each family provide; `eqspec.ops.find` looks them up.
"""
