"""Masks rectangles of patches, a random share of each image.

iBOT (arXiv:2111.07832), section 4.1, with the rectangles of BEiT (arXiv:2106.08254, algorithm 1).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import Field, model_validator

from eqspec.nn.random.rectangles import Rectangles
from eqspec.ops.op import OpParams, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eqspec.nn.random.philox import Draws

rev = 1


class Params(OpParams):
    """Number and shape of masked patches.

    Attributes:
        ratios: [low, high] ranges of the masked share, one of which is chosen with equal
            probability; [0, 0] masks nothing.
        min_patches: smallest area drawn for a rectangle.
        max_aspect: largest aspect ratio of a rectangle, either way.
    """

    ratios: tuple[tuple[float, float], ...] = Field(min_length=1)
    min_patches: int = Field(default=1, ge=1)
    max_aspect: float = Field(default=1.0, ge=1)

    @model_validator(mode="after")
    def _ranges_are_shares(self) -> Self:
        for low, high in self.ratios:
            if not 0 <= low <= high <= 1:
                message = f"`ratios` contains [{low}, {high}], which is not a range in [0, 1]"
                raise ValueError(message)
        return self


example = MappingProxyType({"ratios": [[0, 0], [0.1, 0.5]], "min_patches": 16, "max_aspect": 3.33})


def shapes(params: Params, streams: Streams) -> dict[str, StreamType]:  # noqa: ARG001 - the contract of ops
    """One mask `[V, B, N]` of the patches, true where masked."""
    of = need_axes(streams, "of", "V", "B", "N")
    if of.grid is None:
        raise PortError("of", f"needs patches on a grid, but reads {of}")
    rows, columns = of.grid
    sizes = (of.size("V"), of.size("B"), rows * columns)
    return {"": StreamType(axes=("V", "B", "N"), sizes=sizes, grid=of.grid, dtype="bool")}


def draw(
    params: Params,
    of: StreamType,
    *,
    draws: Draws,
    step: int,
    positions: NDArray[np.int64],
    batch: int,  # noqa: ARG001 - the contract of masks
) -> dict[str, NDArray[np.generic]]:
    """Draw the masks of samples of the global batch, a pure function of (draws, step, position).

    Args:
        params: parameters of the mask.
        of: type of the tokens to mask, of V views.
        draws: random numbers of the run.
        step: step, from 0.
        positions: positions in the global batch `[n]`.
        batch: size of the global batch.

    Returns:
        ``""``: `[V, n, N]`, true where masked.
    """
    assert of.grid is not None, "`shapes` refuses tokens without a grid"
    patches = of.grid[0] * of.grid[1]
    shape = Rectangles(
        grid=of.grid,
        min_area=params.min_patches,
        max_area=patches,
        max_aspect=params.max_aspect,
    )
    low, high = np.array(params.ratios, dtype=np.float64).T
    masks: list[NDArray[np.bool_]] = []
    for view in range(of.size("V")):
        numbers = draws.uniform("blockwise", step=step, samples=positions, view=view, count=2)
        range_ = np.floor(numbers[:, 0] * len(low)).astype(np.int64)
        ratio = low[range_] + numbers[:, 1] * (high - low)[range_]
        masks.append(
            shape.fill(
                ratio * patches,
                draws=draws,
                op="blockwise",
                step=step,
                samples=positions,
                view=view,
            )
        )
    return {"": np.stack(masks).reshape(of.size("V"), len(positions), patches)}
