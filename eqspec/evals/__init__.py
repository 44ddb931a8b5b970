"""Judging a frozen encoder: features, and the protocols that read them.

May import errors up to build; not engine or runs. Yields numbers and writes nothing.

`eqspec.evals.evaluate.evaluate` runs one evaluation of the plan.
"""
