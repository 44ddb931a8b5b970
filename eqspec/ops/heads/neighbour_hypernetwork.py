"""A linear predictor with weights generated from the action of the neighbouring sample.

STL (arXiv:2501.08712), section 3: samples 2i and 2i + 1 share a change, so what one of them tells
about it has to predict the other.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from eqspec.ops.example import Example, stream
from eqspec.ops.op import OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"), Port("action"))


class Params(OpParams):
    """Map from actions to weights.

    Attributes:
        bias: whether W(z) has a constant part that does not depend on z.
        group: number of consecutive samples of the global batch that share a change.
    """

    bias: bool = False
    group: Literal[2] = 2


examples = MappingProxyType(
    {"": Example({"x": stream("BD", 6), "action": stream("BD", 3)}, {"bias": True})}
)


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """The type of `x` `[B, D]`; the action is `[B, D]` of any width."""
    x, action = need_axes(streams, "x", "B", "D"), need_axes(streams, "action", "B")
    if x.axes != ("B", "D"):
        raise PortError("x", f"needs one view [B, D], but reads {x}")
    if action.axes not in {("B", "D"), ("B", "A")}:
        raise PortError("action", f"an action {action} does not match features {x}")
    return x


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:
    """Return the module; see `eqspec.nn.heads.hypernetwork`."""
    from eqspec.nn.heads.hypernetwork import NeighbourHypernetwork

    action = streams["action"].sizes[-1]
    return NeighbourHypernetwork(
        streams["x"].size("D"), actions=action, bias=params.bias, world=world
    )
