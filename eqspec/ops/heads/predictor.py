"""A narrow transformer that predicts the tokens of target blocks from context tokens.

Assran et al., Self-Supervised Learning from Images with a Joint-Embedding Predictive Architecture
(arXiv:2301.08243), section 3.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from eqspec.ops.example import Example, stream
from eqspec.ops.op import OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 2
ports = (
    Port("x"),
    Port("context"),
    Port("want"),
    Port("context_valid", optional=True),
    Port("want_valid", optional=True),
)


class Params(OpParams):
    """Architecture of the predictor.

    Attributes:
        width: features of a token in the predictor.
        depth: number of blocks.
        heads: attention heads; must divide the width.
    """

    width: int = Field(gt=0, multiple_of=4)
    depth: int = Field(gt=0)
    heads: int = Field(gt=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"heads = {self.heads} does not divide width = {self.width}")
        return self


examples = MappingProxyType(
    {
        "": Example(
            {
                "x": stream("VBND", 2, 5, 6),
                "context": stream("VBM", 2, 5, dtype="int", grid=(4, 4)),
                "want": stream("VBTP", 2, 3, 2, dtype="int", grid=(4, 4)),
            },
            {"width": 8, "depth": 1, "heads": 2},
        ),
        "some": Example(
            {
                "x": stream("VBND", 2, 5, 6),
                "context": stream("VBM", 2, 5, dtype="int", grid=(4, 4)),
                "want": stream("VBTP", 2, 3, 2, dtype="int", grid=(4, 4)),
                "context_valid": stream("VBM", 2, 5, dtype="bool"),
                "want_valid": stream("VBTP", 2, 3, 2, dtype="bool"),
            },
            {"width": 8, "depth": 1, "heads": 2},
        ),
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """Predictions `[…, B, T, P, D]` for ids `[…, B, T, P]`, from tokens `[…, B, N, D]`."""
    x = need_axes(streams, "x", "B", "N", "D")
    context = need_axes(streams, "context", "B", "M")
    want = need_axes(streams, "want", "B", "T", "P")
    if x.prefix or x.size("N") != context.size("M"):
        raise PortError("x", f"needs one token per context id {context} and no prefix, reads {x}")
    if want.grid is None or want.grid != context.grid:
        raise PortError("want", "needs ids on the same grid as the context ids")
    for port, ids in (("context_valid", context), ("want_valid", want)):
        if port in streams and streams[port].sizes != ids.sizes:
            raise PortError(port, f"needs one truth value per id {ids}, reads {streams[port]}")
    return StreamType(axes=(*want.axes, "D"), sizes=(*want.sizes, x.size("D")))


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.heads.predictor`."""
    from eqspec.nn.heads.predictor import LatentPredictor

    grid = streams["want"].grid
    assert grid is not None, "`shapes` refuses ids without a grid"
    return LatentPredictor(
        streams["x"].size("D"),
        grid=grid,
        width=params.width,
        depth=params.depth,
        heads=params.heads,
    )
