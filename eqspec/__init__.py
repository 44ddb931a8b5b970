"""eqspec: an experiment compiler for equivariance-coherent self-supervised learning.

A spec says what to train; `eqspec plan` turns it into a plan that holds every choice, number and
shape; `eqspec run` trains that plan, judges the encoder and records everything in one folder.

In Python, `eqspec.load(run).encoder` is a trained encoder, and `eqspec.features(run, images)` what
it makes of images; see `eqspec.commands.load`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a stranger to the type checker
    """`load` and `features`, imported when first asked for: they need torch, `eqspec` does not."""
    if name in {"load", "features"}:
        return getattr(import_module("eqspec.commands.load"), name)
    raise AttributeError(f"module `eqspec` has no attribute `{name}`")
