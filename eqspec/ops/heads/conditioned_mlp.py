"""An MLP from features and an action to features of the same width.

The predictor of EquiMod (arXiv:2211.01244), section 3: from the embedding of an image and the
parameters of an augmentation to the embedding of the augmented image. Linear without hidden layers.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"), Port("action"))
per_view = True


class Params(OpParams):
    """Architecture of the MLP, as in `mlp`.

    Attributes:
        hidden: output width of each hidden layer.
        activation: activation after each hidden layer and its norm.
        norm: norm after each hidden linear layer.
        bias: whether hidden linear layers have a bias.
        last_bias: whether the last linear layer has a bias.
        last_norm: norm after the last linear layer.
        group: batch statistics over consecutive groups of this many samples; None: the whole batch.
    """

    hidden: tuple[int, ...] = ()
    activation: Literal["relu", "gelu"] = "relu"
    norm: Literal["none", "batch", "layer"] = "none"
    bias: bool = True
    last_bias: bool = True
    last_norm: Literal["none", "layer", "batch", "batch-no-offset", "batch-no-affine"] = "none"
    group: int | None = Field(default=None, gt=0)


examples = MappingProxyType(
    {
        "": Example(
            {"x": stream("BD", 6), "action": stream("BD", 3)},
            {"last_bias": False, "last_norm": "batch-no-affine"},
        ),
        "hidden": Example(
            {"x": stream("VBD", 2, 6), "action": stream("VBA", 2, 3)},
            {"hidden": [8], "norm": "layer"},
        ),
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """The type of `x` `[…, B, D]`; the action `[…, B, A]` has the same leading axes."""
    x, action = need_axes(streams, "x", "B", "D"), need_axes(streams, "action", "B")
    lead, last = (x.axes[:-1], x.sizes[:-1]), action.axes[-1]
    if (action.axes[:-1], action.sizes[:-1]) != lead or last not in {"A", "D"}:
        raise PortError("action", f"an action {action} does not match features {x}")
    return x


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:
    """Return the module; see `eqspec.nn.heads.mlp`."""
    from eqspec.nn.heads.mlp import ConditionedMlp, MlpDesign

    x, action = streams["x"], streams["action"]
    design = MlpDesign(
        widths=(*params.hidden, x.size("D")),
        activation=params.activation,
        norm=params.norm,
        bias=params.bias,
        last_bias=params.last_bias,
        last_norm=params.last_norm,
        group=params.group,
    )
    return ConditionedMlp(x.size("D") + action.sizes[-1], design=design, world=world)
