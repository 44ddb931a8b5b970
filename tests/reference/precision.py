"""Precisions and tolerances of the reference tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from eqspec.nn.world import World
from eqspec.ops.example import stream
from eqspec.ops.find import find_term
from eqspec.ops.op import StreamType
from tests.reference.waves import wave

PRINTED = 6e-11
"""Half a unit in the tenth decimal, and a little rounding."""


@dataclass(frozen=True)
class Precision:
    """How numbers are computed, and how near they must come to what was printed."""

    dtype: torch.dtype

    def wave(self, rows: int, columns: int, phase: float) -> Tensor:
        """The inputs `[rows, columns]`."""
        return wave(rows, columns, phase).to(self.dtype)

    def number(self, value: float) -> Tensor:
        """A schedule's value."""
        return torch.tensor(value, dtype=self.dtype)

    def near(self, value: float, *, within: float = PRINTED) -> Any:
        """`value` up to `within`, or a millionth where that is all the precision allows."""
        if self.dtype is torch.float64:
            return pytest.approx(value, abs=within, rel=0)
        return pytest.approx(value, abs=1e-6, rel=1e-6)

    def build(self, name: str, streams: dict[str, StreamType], **params: object) -> torch.nn.Module:
        """A term's module."""
        op = find_term(name)
        op.shapes(op.Params(**params), streams)
        return op.build(op.Params(**params), streams, world=World()).to(self.dtype)

    def vector_term(self, name: str, x: Tensor, **params: object) -> Tensor:
        """A term of features `[V, B, D]` or `[B, D]`."""
        return self.build(name, {"x": kind_of(x)}, **params)(x=x)

    def distances(self, x: Tensor, y: Tensor, **params: object) -> Tensor:
        """The mean squared error of features or of images `[K, B, C, H, W]`."""
        return self.build("mse", {"x": kind_of(x), "y": kind_of(x)}, **params)(x=x, y=y)


def kind_of(x: Tensor) -> StreamType:
    axes = {2: "BD", 3: "VBD", 5: "KBCHW"}[x.ndim]
    return stream(axes, *(n for axis, n in zip(axes, x.shape, strict=True) if axis != "B"))
