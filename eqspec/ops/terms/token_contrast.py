"""InfoNCE between the tokens of transformed views and the transformed tokens of the first view.

Equivariance loss of SER (arXiv:2603.06693): mirroring and turning an image moves its tokens over
their grid, so each token of a transformed view has a partner in the first one. Negatives are the
tokens of other samples.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"),)


class Move(BaseModel):
    """How a view differs from the first one.

    Attributes:
        flip: it is mirrored, left to right.
        turns: quarter turns after that, counter-clockwise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    flip: bool = False
    turns: int = Field(default=0, ge=0, le=3)


class Params(OpParams):
    """Temperature, and what was done to the views.

    Attributes:
        temperature: divisor of the cosine similarities.
        moves: of each view but the first.
        group: number of consecutive samples of the global batch that are compared (must divide
            the batch); None: all of them.
    """

    temperature: float = Field(gt=0)
    moves: Annotated[tuple[Move, ...], Field(min_length=1)]
    group: int | None = Field(default=None, ge=2)


_MOVES = [{"flip": True}, {"flip": True, "turns": 1}]

examples = MappingProxyType(
    {
        "": Example(
            {"x": stream("VBND", 3, 4, 6, grid=(2, 2))}, {"temperature": 0.4, "moves": _MOVES}
        ),
        "groups": Example(
            {"x": stream("VBND", 3, 4, 6, grid=(2, 2))},
            {"temperature": 0.4, "moves": _MOVES, "group": 2},
        ),
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:
    """A scalar, from patch tokens `[V, B, N, D]` on a square grid."""
    x = need_axes(streams, "x", "V", "B", "N", "D")
    if x.grid is None or x.prefix or x.grid[0] != x.grid[1]:
        raise PortError("x", f"needs patch tokens on a square grid, but reads {x}")
    if x.size("V") != 1 + len(params.moves):
        raise PortError("x", f"has {len(params.moves)} `moves`, one view fewer than it, not {x}")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:
    """Return the module; see `eqspec.nn.terms.token_contrast`."""
    from eqspec.nn.terms.token_contrast import TokenContrast

    grid = streams["x"].grid
    assert grid is not None, "checked by `shapes`"
    return TokenContrast(
        temperature=params.temperature,
        group=params.group,
        moves=[(move.flip, move.turns) for move in params.moves],
        grid=grid,
        world=world,
    )
