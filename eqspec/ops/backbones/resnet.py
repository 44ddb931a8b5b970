"""A residual network whose tokens are the mean of its last feature map, then its cells.

He et al., Deep Residual Learning for Image Recognition (arXiv:1512.03385), table 1.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import OpParams, Port, PortError, Streams, StreamType, need_axes
from eqspec.ops.weights import Disagreement, Shapes, compared

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("images"),)
per_view = True

_STAGES = (1, 2, 3, 4)


class Params(OpParams):
    """Architecture of the network.

    Attributes:
        depth: number of layers: 18, or 50 with bottlenecks.
        stem: `imagenet`, 7x7 with stride 2 and max-pooling; `cifar`, 3x3 without pooling.
        zero_init_last: whether blocks start as their shortcuts (scale of the last norm zero).
        group: batch statistics over consecutive groups of this many samples; None: the whole batch.
    """

    depth: Literal[18, 50]
    stem: Literal["imagenet", "cifar"] = "imagenet"
    zero_init_last: bool = False
    group: int | None = Field(default=None, gt=0)


examples = MappingProxyType(
    {
        "": Example(
            {"images": stream("VBCHW", 2, 3, 16, 16)},
            {"depth": 18, "stem": "cifar"},
            backend="eager",
        )
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:
    """Tokens `[…, B, 1 + N, D]` of images `[…, B, 3, H, W]`."""
    images = need_axes(streams, "images", "B", "C", "H", "W")
    if images.size("C") != 3:
        raise PortError("images", f"needs 3 channels, reads {images}")
    halvings = 5 if params.stem == "imagenet" else 3
    scale = 2**halvings
    rows, columns = -(-images.size("H") // scale), -(-images.size("W") // scale)
    return StreamType(
        axes=(*images.axes[:-3], "N", "D"),
        sizes=(*images.sizes[:-3], 1 + rows * columns, 512 if params.depth == 18 else 2048),
        prefix=1,
        grid=(rows, columns),
    )


def disagreements(params: Params, shapes: Shapes) -> tuple[Disagreement, ...]:
    """Return the differences between the parameters and a file of published weights."""
    kernel = shapes.get("conv1.weight", ())
    if len(kernel) != 4:
        return (Disagreement("impl", "resnet", "no convolution at the input"),)
    blocks = [len({n.split(".")[1] for n in shapes if n.startswith(f"layer{s}.")}) for s in _STAGES]
    each = 3 if "layer1.0.conv3.weight" in shapes else 2
    published = {
        "depth": each * sum(blocks) + 2,
        "stem": "imagenet" if kernel[2] == 7 else "cifar" if kernel[2] == 3 else "another",
    }
    return tuple(compared({"depth": params.depth, "stem": params.stem}, published))


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - the contract of ops
    """Return the module; see `eqspec.nn.encoders.resnet`."""
    from eqspec.nn.encoders.resnet import ResNetTokens

    return ResNetTokens(
        blocks=(2, 2, 2, 2) if params.depth == 18 else (3, 4, 6, 3),
        bottleneck=params.depth == 50,
        stem=params.stem,
        zero_init_last=params.zero_init_last,
        world=world,
        group=params.group,
    )
