"""Cross-entropy of the classes that images are labelled with.

The loss of supervised training and of linear probes (arXiv:2104.14294, section 4.1): the mean over
the samples of the negative log-probability of their class, summed over classifiers.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, NoParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
Params = NoParams
ports = (Port("x"), Port("labels"))
examples = MappingProxyType(
    {
        "": Example({"x": stream("BD", 4), "labels": stream("B", dtype="int")}),
        "of several classifiers": Example(
            {"x": stream("BSD", 3, 4), "labels": stream("B", dtype="int")}
        ),
    }
)


def shapes(params: NoParams, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from logits `[B, D]` (or `[B, S, D]` of S classifiers) and classes `[B]`."""
    x, labels = need_axes(streams, "x", "B", "D"), need_axes(streams, "labels", "B")
    if x.axes not in {("B", "D"), ("B", "S", "D")}:
        raise PortError("x", f"needs [B, D] or [B, S, D], but reads {x}")
    if labels.axes != ("B",) or labels.dtype != "int":
        raise PortError("labels", f"needs one class per sample, but reads {labels}")
    return SCALAR


def build(params: NoParams, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """The module; see `eqspec.nn.terms.classification`."""
    from eqspec.nn.terms.classification import Classification

    return Classification()
