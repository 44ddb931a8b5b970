"""Cross-entropy of classifying which view of its group an image is.

Rotation prediction of Equivariant Contrastive Learning (arXiv:2111.00899), equation 2, where the
views of a group are one crop, rotated by 0, 90, 180 and 270 degrees.
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
ports = (Port("x"),)


examples = MappingProxyType({"": Example({"x": stream("VBD", 4, 4)})})


def shapes(params: NoParams, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from logits `[V, B, D]` with one class for each view."""
    x = need_axes(streams, "x", "V", "B", "D")
    if x.axes != ("V", "B", "D") or x.size("D") != x.size("V"):
        raise PortError("x", f"needs [V, B, D] with as many logits as views, but reads {x}")
    return SCALAR


def build(params: NoParams, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.view_classification`."""
    from eqspec.nn.terms.view_classification import ViewClassification

    return ViewClassification()
