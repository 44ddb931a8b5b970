"""A grid of linear classifiers on the tokens of the last blocks, all trained at once.

The heads of linear evaluations with many learning rates: DINO and iBOT read the class tokens of
the last blocks (arXiv:2104.14294, appendix F.2), DINOv2 also the mean patch of the last one, for
several numbers of blocks (arXiv:2304.07193, appendix B.3). There is a classifier for each kind of
features and each learning rate; rules of a recipe set the rates of `rate_0`, `rate_1` ….
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"),)


class Params(OpParams):
    """The grid.

    Attributes:
        classes: logits of each classifier.
        taps: of how many last blocks the tokens are side by side in D, the last block last.
        blocks: numbers of last blocks whose class tokens are read.
        mean_patch: with the mean patch of the last block beside them, or without.
        rates: learning rates, a classifier for each.
    """

    classes: int = Field(ge=2)
    taps: int = Field(1, ge=1)
    blocks: tuple[Annotated[int, Field(ge=1)], ...] = Field((1,), min_length=1)
    mean_patch: tuple[bool, ...] = Field((False,), min_length=1)
    rates: int = Field(1, ge=1)


examples = MappingProxyType(
    {
        "": Example(
            {"x": stream("BND", 17, 12, grid=(4, 4), prefix=1)},
            {"classes": 3, "taps": 2, "blocks": [1, 2], "mean_patch": [False, True], "rates": 2},
        )
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:
    """Logits `[B, S, D]` of S classifiers, of tokens `[B, N, D]`: rates change fastest."""
    x = need_axes(streams, "x", "B", "N", "D")
    if x.axes != ("B", "N", "D") or not x.prefix:
        raise PortError("x", f"needs tokens [B, N, D] with a class token, but reads {x}")
    if x.size("D") % params.taps or max(params.blocks) > params.taps:
        raise PortError("x", f"needs the tokens of {max(params.blocks)} blocks, but reads {x}")
    count = len(params.blocks) * len(params.mean_patch) * params.rates
    return StreamType(axes=("B", "S", "D"), sizes=(x.sizes[0], count, params.classes))


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - the contract of ops
    """The module; see `eqspec.nn.heads.linear_grid`."""
    from eqspec.nn.heads.linear_grid import LinearGrid

    x = streams["x"]
    return LinearGrid(
        width=x.size("D") // params.taps,
        prefix=x.prefix,
        classes=params.classes,
        blocks=params.blocks,
        mean_patch=params.mean_patch,
        rates=params.rates,
    )
