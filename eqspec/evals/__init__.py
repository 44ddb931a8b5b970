"""Evaluation of frozen and fine-tuned encoders by the evaluation ops.

May import errors up to build; not engine or runs. Returns results and writes only cached features.

`eqspec.evals.evaluate.evaluate` runs one evaluation of the plan.
"""
