"""eqspec: an experiment compiler for equivariance-coherent self-supervised learning.

A spec says what to train; `eqspec plan` turns it into a plan that holds every choice, number and
shape; `eqspec run` trains that plan, judges the encoder and records everything in one folder.
"""

__version__ = "0.1.0"
