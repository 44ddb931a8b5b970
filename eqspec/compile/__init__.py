"""The compiler: from a spec and cards to a plan, with graphs rewritten and shapes and ids computed.

May import errors, nn, spec, ops and registry. Pure and free of torch: a plan is data, and
building, comparing and explaining one takes a fraction of a second.

`eqspec.compile.planner.plan` returns it.
"""
