"""A linear predictor with weights generated from the action: W(z) x, W(z) = Σ_c z_c W_c.

Garrido et al., Self-supervised learning of Split Invariant Equivariant representations
(arXiv:2302.10283), section 4.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

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
    """

    bias: bool = False


examples = MappingProxyType(
    {"": Example({"x": stream("BD", 6), "action": stream("BA", 3)}, {"bias": True})}
)


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """The type of `x` `[…, D]`; the leading axes of the action `[…, A]` are the first of `x`."""
    x = need_axes(streams, "x", "D")
    action = need_axes(streams, "action", "A")
    leading = action.axes[:-1]
    if x.axes[: len(leading)] != leading:
        raise PortError("action", f"an action {action} does not match features {x}")
    return x


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.heads.hypernetwork`."""
    from eqspec.nn.heads.hypernetwork import Hypernetwork

    actions = streams["action"].size("A")
    return Hypernetwork(streams["x"].size("D"), actions=actions, bias=params.bias)
