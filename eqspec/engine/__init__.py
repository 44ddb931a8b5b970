"""Training as a generator of events, without files, screens and evaluations.

May import errors up to build; not evals or runs. While the generator is suspended the weights do
not change, so the caller can evaluate and save before it asks for the next event.

`eqspec.engine.train.train` yields what has happened.
"""
