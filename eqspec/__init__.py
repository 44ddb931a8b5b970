"""eqspec: an experiment compiler for equivariance-coherent self-supervised learning.

A spec declares what to train. `eqspec plan` compiles it into a plan that contains every choice,
number and shape. `eqspec run` trains the plan, evaluates the encoder and records everything in one
folder.

In Python, `eqspec.load(run).encoder` returns a trained encoder and `eqspec.features(run, images)`
the features of images; see `eqspec.commands.load`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401 - resolved at run time
    """Import `load` and `features` on first use, so that importing eqspec does not import torch."""
    if name in {"load", "features"}:
        return getattr(import_module("eqspec.commands.load"), name)
    raise AttributeError(f"module `eqspec` has no attribute `{name}`")
