"""Squared difference of samples' inner products under two changes that they share.

Equivariance loss of CARE (arXiv:2306.13924), section 3: if one augmentation is applied to several
images, the angles between their embeddings stay as they are exactly where it rotates them all.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"), Port("y"))


class Params(OpParams):
    """Samples that are compared with each other.

    Attributes:
        group: number of consecutive samples of the global batch that share their changes (must
            divide the batch); None: all of them.
    """

    group: int | None = Field(default=None, ge=2)


examples = MappingProxyType(
    {
        "": Example({"x": stream("BD", 6), "y": stream("BD", 6)}),
        "groups": Example({"x": stream("VBD", 1, 6), "y": stream("VBD", 1, 6)}, {"group": 2}),
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from two streams `[B, D]` or `[V, B, D]`."""
    x, y = need_axes(streams, "x", "B", "D"), need_axes(streams, "y", "B", "D")
    if (x.axes, x.sizes) != (y.axes, y.sizes):
        raise PortError("y", f"needs {x}, like `x`, but reads {y}")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.gram_difference`."""
    from eqspec.nn.terms.gram_difference import GramDifference

    return GramDifference(group=params.group, world=world)
