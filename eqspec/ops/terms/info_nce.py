"""Cross-entropy of identifying a view's partner among all other views of the batch.

NT-Xent of SimCLR (arXiv:2002.05709), equation 1; negatives of the global batch get gradients.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"),)


class Params(OpParams):
    """Temperature and scale.

    Attributes:
        temperature: divisor of the cosine similarities.
        scale: ``mean-over-2n`` views as in the paper, or ``tf``, twice this value, as released.
    """

    temperature: float = Field(gt=0)
    scale: Literal["mean-over-2n", "tf"] = "mean-over-2n"


examples = MappingProxyType({"": Example({"x": stream("VBD", 2, 6)}, {"temperature": 0.1})})


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from two views `[2, B, D]`."""
    x = need_axes(streams, "x", "V", "B", "D")
    if x.size("V") != 2:
        raise PortError("x", f"contrasts exactly two views, but reads {x}")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.contrastive`."""
    from eqspec.nn.terms.contrastive import InfoNCE

    scale = 2.0 if params.scale == "tf" else 1.0
    return InfoNCE(temperature=params.temperature, scale=scale, world=world)
