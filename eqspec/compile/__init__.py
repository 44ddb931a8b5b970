"""From spec and cards to a plan: names expanded, graphs rewritten, shapes and ids computed.

May import errors, nn, spec, ops and registry. Pure and free of torch, so that a plan is data and
can be made, compared and explained in the time it takes to read it.

`eqspec.compile.planner.plan` returns it.
"""
