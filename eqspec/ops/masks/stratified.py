"""Masks rectangles of patches in a fixed share of the views, with evenly spread ratios.

DINOv2 (arXiv:2304.07193) as released, but over the global batch instead of each device's.
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
        share: share of the views of the batch that are masked.
        ratios: [low, high] range of the masked share of a view; divided into as many equal bins as
            there are masked views, with one view per bin.
        min_patches: smallest area drawn for a rectangle.
        max_share: largest share of the grid that one rectangle may add.
        max_aspect: largest aspect ratio of a rectangle, either way.
    """

    share: float = Field(gt=0, le=1)
    ratios: tuple[float, float]
    min_patches: int = Field(default=1, ge=1)
    max_share: float = Field(default=1.0, gt=0, le=1)
    max_aspect: float = Field(default=1.0, ge=1)

    @model_validator(mode="after")
    def _ratios_are_shares(self) -> Self:
        low, high = self.ratios
        if not 0 <= low <= high <= 1:
            message = f"`ratios` is [{low}, {high}], which is not a range in [0, 1]"
            raise ValueError(message)
        return self


example = MappingProxyType(
    {"share": 0.5, "ratios": [0.1, 0.5], "min_patches": 4, "max_share": 0.5, "max_aspect": 3.33}
)


def shapes(params: Params, streams: Streams) -> dict[str, StreamType]:
    """The mask `[V, B, N]`, and the ids of masked patches `[V, B, M]` with their validity.

    M is the largest number of masked patches in a view; invalid ids are 0.
    """
    of = need_axes(streams, "of", "V", "B", "N")
    rows, columns = _grid(of)
    capacity = _capacity(params, of)
    if capacity == 0:
        raise PortError("of", f"masks no patch: {params.ratios[1]:g} of {of} is less than one")
    views, batch, patches = of.size("V"), of.size("B"), rows * columns
    mask = StreamType(
        axes=("V", "B", "N"), sizes=(views, batch, patches), grid=of.grid, dtype="bool"
    )
    ids = StreamType(
        axes=("V", "B", "M"), sizes=(views, batch, capacity), grid=of.grid, dtype="int"
    )
    valid = StreamType(axes=ids.axes, sizes=ids.sizes, grid=of.grid, dtype="bool")
    return {"mask": mask, "ids": ids, "valid": valid}


def draw(
    params: Params,
    of: StreamType,
    *,
    draws: Draws,
    step: int,
    positions: NDArray[np.int64],
    batch: int,
) -> dict[str, NDArray[np.generic]]:
    """Draw the masks of samples of the global batch, a pure function of (draws, step, position).

    Args:
        params: parameters of the mask.
        of: type of the tokens to mask, of V views.
        draws: random numbers of the run.
        step: step, from 0.
        positions: positions in the global batch `[n]`.
        batch: size of the global batch, from which masked views are chosen.

    Returns:
        ``mask`` `[V, n, N]` bool, ``ids`` `[V, n, M]` int64, ``valid`` `[V, n, M]` bool.
    """
    rows, columns = _grid(of)
    patches = rows * columns
    shape = Rectangles(
        grid=(rows, columns),
        min_area=params.min_patches,
        max_area=int(params.max_share * patches),
        max_aspect=params.max_aspect,
    )
    targets = _targets(params, of, draws=draws, step=step, batch=batch)[:, positions]
    masks = [
        shape.fill(row, draws=draws, op="stratified", step=step, samples=positions, view=view)
        for view, row in enumerate(targets)
    ]
    mask = np.stack(masks).reshape(of.size("V"), len(positions), patches)
    capacity = _capacity(params, of)
    # Stable: masked patches come first and in order.
    ids = np.argsort(~mask, axis=-1, kind="stable")[..., :capacity].astype(np.int64)
    valid = np.take_along_axis(mask, ids, axis=-1)
    return {"mask": mask, "ids": np.where(valid, ids, 0), "valid": valid}


def _grid(of: StreamType) -> tuple[int, int]:
    if of.grid is None:
        raise PortError("of", f"needs patches on a grid, but reads {of}")
    return of.grid


def _capacity(params: Params, of: StreamType) -> int:
    rows, columns = _grid(of)
    return int(rows * columns * params.ratios[1])


def _targets(
    params: Params, of: StreamType, *, draws: Draws, step: int, batch: int
) -> NDArray[np.float64]:
    """Draw the number of patches to mask in each view of the global batch `[V, batch]`."""
    rows, columns = _grid(of)
    views = of.size("V")
    everyone = np.arange(batch, dtype=np.int64)
    numbers = np.stack(
        [
            draws.uniform("stratified", step=step, samples=everyone, view=view, count=2)
            for view in range(views)
        ]
    )
    masked = int(views * batch * params.share)
    place = np.empty(views * batch, dtype=np.int64)
    place[np.argsort(numbers[..., 0].ravel(), kind="stable")] = np.arange(views * batch)
    low, high = params.ratios
    ratio = low + (high - low) * (place + numbers[..., 1].ravel()) / max(masked, 1)
    targets = np.where(place < masked, np.floor(rows * columns * ratio), 0.0)
    return targets.reshape(views, batch)
