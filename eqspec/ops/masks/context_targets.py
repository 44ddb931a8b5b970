"""Chooses blocks of patches to be predicted, and a large block less those as their context.

I-JEPA (arXiv:2301.08243), section 3, with positions drawn as released. Two differences, which keep
shapes fixed: block sizes are constants instead of drawn once per step, and every context is cut to
the same number of patches instead of to the smallest of its batch (patches of the lower rows go in
either case).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from eqspec.ops.op import OpParams, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eqspec.nn.philox import Draws

rev = 1

TRIES = 20
"""Places tried for the context block before it may contain one target more."""


class Params(OpParams):
    """The blocks.

    Attributes:
        targets: number of target blocks; they may overlap.
        target_scale: share of the patches in a target block.
        target_aspect: height over width of a target block.
        context_scale: share of the patches in the square context block, targets included.
        context_share: share of the patches that are kept as context.
    """

    targets: int = Field(ge=1)
    target_scale: float = Field(gt=0, lt=1)
    target_aspect: float = Field(default=1.0, gt=0)
    context_scale: float = Field(default=1.0, gt=0, le=1)
    context_share: float = Field(gt=0, lt=1)


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Sizes in patches: the grid, a target block, the context block, and kept context patches."""

    grid: tuple[int, int]
    target: tuple[int, int]
    context: tuple[int, int]
    kept: int


def shapes(params: Params, streams: Streams) -> dict[str, StreamType]:
    """Ids of context patches `[V, B, M]` and of target patches `[V, B, T, P]`, in row order."""
    of = need_axes(streams, "of", "V", "B", "N")
    blocks = _blocks(params, of)
    area = blocks.context[0] * blocks.context[1]
    if min(*blocks.target, *blocks.context) == 0:
        raise PortError("of", f"a block of {of} has no patch")
    if not 1 <= blocks.kept <= area:
        raise PortError("of", f"cannot keep {blocks.kept} of a context block of {area} patches")
    views, batch = of.size("V"), of.size("B")
    context = StreamType(("V", "B", "M"), (views, batch, blocks.kept), grid=of.grid, dtype="int")
    per_block = blocks.target[0] * blocks.target[1]
    sizes = (views, batch, params.targets, per_block)
    targets = StreamType(("V", "B", "T", "P"), sizes, grid=of.grid, dtype="int")
    return {"context": context, "targets": targets}


def draw(
    params: Params,
    of: StreamType,
    *,
    draws: Draws,
    step: int,
    positions: NDArray[np.int64],
    batch: int,  # noqa: ARG001 - the contract of masks
) -> dict[str, NDArray[np.generic]]:
    """The blocks of some samples, a pure function of (draws, step, position).

    Args:
        params: of this mask.
        of: the tokens that are chosen from, of V views.
        draws: the run's randomness.
        step: from 0.
        positions: places in the global batch `[n]`.
        batch: size of the global batch.

    Returns:
        ``context`` `[V, n, M]` and ``targets`` `[V, n, T, P]`, int64 places in the row-major grid.
    """
    blocks = _blocks(params, of)
    count = 2 * (params.targets + TRIES * (params.targets + 1))
    contexts: list[NDArray[np.int64]] = []
    targets: list[NDArray[np.int64]] = []
    for view in range(of.size("V")):
        numbers = draws.uniform(
            "context_targets", step=step, samples=positions, view=view, count=count
        ).reshape(len(positions), -1, 2)
        chosen = _place(numbers[:, : params.targets], block=blocks.target, grid=blocks.grid)
        context = _context(chosen, numbers=numbers[:, params.targets :], blocks=blocks)
        contexts.append(_ids(context, count=blocks.kept))
        targets.append(_ids(chosen, count=blocks.target[0] * blocks.target[1]))
    return {"context": np.stack(contexts), "targets": np.stack(targets)}


def _blocks(params: Params, of: StreamType) -> _Blocks:
    if of.grid is None:
        raise PortError("of", f"needs patches on a grid, but reads {of}")
    patches = of.grid[0] * of.grid[1]
    return _Blocks(
        grid=of.grid,
        target=_block(of.grid, scale=params.target_scale, aspect=params.target_aspect),
        context=_block(of.grid, scale=params.context_scale, aspect=1.0),
        kept=int(patches * params.context_share),
    )


def _block(grid: tuple[int, int], *, scale: float, aspect: float) -> tuple[int, int]:
    """(height, width) of a block, smaller than the grid both ways."""
    area = int(grid[0] * grid[1] * scale)
    height, width = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
    return min(height, grid[0] - 1), min(width, grid[1] - 1)


def _place(
    numbers: NDArray[np.float64], *, block: tuple[int, int], grid: tuple[int, int]
) -> NDArray[np.bool_]:
    """Blocks `[..., R, C]` at random places `[..., 2]`; none reaches the last row or column."""
    first = np.floor(numbers * np.subtract(grid, block)).astype(np.int64)
    rows, columns = (
        (np.arange(grid[axis]) >= first[..., axis, None])
        & (np.arange(grid[axis]) < first[..., axis, None] + block[axis])
        for axis in (0, 1)
    )
    return rows[..., :, None] & columns[..., None, :]


def _context(
    targets: NDArray[np.bool_], *, numbers: NDArray[np.float64], blocks: _Blocks
) -> NDArray[np.bool_]:
    """The first context block with enough patches outside the targets, less the targets.

    After each `TRIES` blocks one target fewer, from the last, is left out of the context.

    Args:
        targets: target blocks `[n, T, R, C]`.
        numbers: in [0, 1), two for each block to be tried `[n, TRIES * (T + 1), 2]`.
        blocks: sizes; the context block alone has enough patches.

    Returns:
        True at the context `[n, R, C]`.
    """
    context = np.zeros_like(targets[:, 0])
    settled = np.zeros(len(targets), dtype=np.bool_)
    for attempt in range(numbers.shape[1]):
        respected = targets.shape[1] - attempt // TRIES
        block = _place(numbers[:, attempt], block=blocks.context, grid=blocks.grid)
        candidate = block & ~targets[:, :respected].any(axis=1)
        enough = ~settled & (candidate.sum(axis=(1, 2)) >= blocks.kept)
        context[enough] = candidate[enough]
        settled |= enough
        if settled.all():
            break
    return context


def _ids(chosen: NDArray[np.bool_], *, count: int) -> NDArray[np.int64]:
    """The first `count` chosen places `[..., count]` of the row-major grid `[..., R, C]`."""
    flat = chosen.reshape(*chosen.shape[:-2], -1)
    return np.argsort(~flat, axis=-1, kind="stable")[..., :count].astype(np.int64)
