"""Training as a generator of events. Knows no file, no screen and no evaluation.

May import errors up to build; not evals or runs. While it is paused the weights cannot move, so
whoever drives it may evaluate and save before asking for the next event.

`eqspec.engine.train.train` yields what has happened.
"""
