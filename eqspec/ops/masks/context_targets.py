"""Chooses target blocks of patches, and a large context block without the targets.

I-JEPA (arXiv:2301.08243), section 3, as released: the sizes of blocks are drawn once per step and
their places for every sample. All contexts are truncated to the smallest of the batch, which
removes patches of the lower rows. Shapes do not change with the step: a mask marks valid ids.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import AfterValidator, Field

from eqspec.nn.random.ranges import ordered
from eqspec.ops.op import OpParams, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eqspec.nn.random.philox import Draws

rev = 2

TRIES = 20
"""Number of places tried for the context block before one more target may overlap it."""

LEVELS = 1024
"""Number of levels of the drawn size, few enough to find the largest block by trying all."""

_Range = Annotated[tuple[float, float], AfterValidator(ordered)]


class Params(OpParams):
    """Number and size of the blocks.

    Attributes:
        targets: number of target blocks; they may overlap.
        target_scale: [low, high] share of the patches in a target block.
        target_aspect: [low, high] height / width of a target block; one draw sets both.
        context_scale: [low, high] share of the patches in the square context, with targets.
        min_keep: a context has more patches than this.
        context_share: capacity of a context as a share of the patches.
        group: contexts are truncated to the smallest of this many consecutive samples (the batch
            per device of a paper; must divide the batch); None: of the whole batch.
    """

    targets: int = Field(ge=1)
    target_scale: _Range
    target_aspect: _Range = (1.0, 1.0)
    context_scale: _Range = (1.0, 1.0)
    min_keep: int = Field(default=0, ge=0)
    context_share: float = Field(gt=0, lt=1)
    group: int | None = Field(default=None, gt=0)


example = MappingProxyType(
    {
        "targets": 4,
        "target_scale": [0.15, 0.2],
        "target_aspect": [0.75, 1.5],
        "context_scale": [0.85, 1.0],
        "min_keep": 10,
        "context_share": 0.4,
    }
)


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Sizes of a step in patches: the grid, a target block and the context block."""

    grid: tuple[int, int]
    target: tuple[int, int]
    context: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Room:
    """Capacity in ids of the context and of a target block."""

    context: int
    target: int


def shapes(params: Params, streams: Streams) -> dict[str, StreamType]:
    """Ids of context patches `[V, B, M]` and of target patches `[V, B, T, P]`, in row order.

    `context_valid` and `targets_valid` mark the valid ids; the others are 0.
    """
    of = need_axes(streams, "of", "V", "B", "N")
    room = _room(params, of)
    sizes = [_blocks(params, of, target=level, context=level) for level in (0, LEVELS - 1)]
    if min(min(*size.target, *size.context) for size in sizes) == 0:
        raise PortError("of", f"a block of {of} has no patch")
    need = params.min_keep + 1
    if room.context < need:
        raise PortError("of", f"a context has at most {room.context} patches, but needs {need}")
    if min(size.context[0] * size.context[1] for size in sizes) < need:
        raise PortError("of", f"a context block of {of} has fewer than {need} patches")
    views, batch = of.size("V"), of.size("B")
    context = StreamType(("V", "B", "M"), (views, batch, room.context), grid=of.grid, dtype="int")
    size = (views, batch, params.targets, room.target)
    targets = StreamType(("V", "B", "T", "P"), size, grid=of.grid, dtype="int")
    return {
        "context": context,
        "context_valid": replace(context, dtype="bool"),
        "targets": targets,
        "targets_valid": replace(targets, dtype="bool"),
    }


def draw(
    params: Params,
    of: StreamType,
    *,
    draws: Draws,
    step: int,
    positions: NDArray[np.int64],
    batch: int,
) -> dict[str, NDArray[np.generic]]:
    """Draw the blocks of samples of the global batch, a pure function of (draws, step, position).

    Args:
        params: parameters of the blocks.
        of: type of the tokens to choose from, of V views.
        draws: random numbers of the run.
        step: step, from 0.
        positions: positions in the global batch `[n]`.
        batch: size of the global batch.

    Returns:
        ``context`` `[V, n, M]` and ``targets`` `[V, n, T, P]`, int64 ids in the row-major grid;
        ``context_valid`` and ``targets_valid``, true for valid ids.
    """
    size, room = params.group or batch, _room(params, of)
    groups, group_of = np.unique(positions // size, return_inverse=True)
    samples = (groups[:, None] * size + np.arange(size)).ravel()
    mine = group_of * size + positions % size
    drawn: dict[str, list[NDArray[np.generic]]] = {}
    for view in range(of.size("V")):
        blocks = _sizes(params, of, draws=draws, step=step, view=view)
        targets, contexts = _chosen(
            params, blocks, draws=draws, step=step, samples=samples, view=view
        )
        smallest = contexts.sum(axis=(1, 2)).reshape(len(groups), size).min(axis=1)[group_of]
        context, known = _ids(contexts[mine], room=room.context, most=smallest)
        target, wanted = _ids(targets[mine], room=room.target, most=np.array(room.target))
        for name, array in (
            ("context", context),
            ("context_valid", known),
            ("targets", target),
            ("targets_valid", wanted),
        ):
            drawn.setdefault(name, []).append(array)
    return {name: np.stack(arrays) for name, arrays in drawn.items()}


def _sizes(params: Params, of: StreamType, *, draws: Draws, step: int, view: int) -> _Blocks:
    """Draw the sizes of a step, the same for every sample."""
    everyone = np.zeros(1, dtype=np.int64)
    name = "context_targets.sizes"
    numbers = draws.uniform(name, step=step, samples=everyone, view=view, count=2)[0]
    target, context = (int(number * LEVELS) for number in numbers)
    return _blocks(params, of, target=target, context=context)


def _blocks(params: Params, of: StreamType, *, target: int, context: int) -> _Blocks:
    """Return the block sizes for two levels."""
    grid = _grid(of)
    share, wide = (level / (LEVELS - 1) for level in (target, context))
    scale, aspect = (_between(r, share) for r in (params.target_scale, params.target_aspect))
    return _Blocks(
        grid=grid,
        target=_block(grid, scale=scale, aspect=aspect),
        context=_block(grid, scale=_between(params.context_scale, wide), aspect=1.0),
    )


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + share * (ends[1] - ends[0])


def _room(params: Params, of: StreamType) -> _Room:
    rows, columns = _grid(of)
    levels = (_blocks(params, of, target=level, context=0).target for level in range(LEVELS))
    largest = max(height * width for height, width in levels)
    return _Room(context=int(rows * columns * params.context_share), target=largest)


def _grid(of: StreamType) -> tuple[int, int]:
    if of.grid is None:
        raise PortError("of", f"needs patches on a grid, but reads {of}")
    return of.grid


def _block(grid: tuple[int, int], *, scale: float, aspect: float) -> tuple[int, int]:
    """Return (height, width) of a block, smaller than the grid in both directions."""
    area = int(grid[0] * grid[1] * scale)
    height, width = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
    return min(height, grid[0] - 1), min(width, grid[1] - 1)


def _location(
    numbers: NDArray[np.float64], *, block: tuple[int, int], grid: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return blocks `[..., R, C]` at random places `[..., 2]`, never in the last row or column."""
    first = np.floor(numbers * np.subtract(grid, block)).astype(np.int64)
    rows, columns = (
        (np.arange(grid[axis]) >= first[..., axis, None])
        & (np.arange(grid[axis]) < first[..., axis, None] + block[axis])
        for axis in (0, 1)
    )
    return rows[..., :, None] & columns[..., None, :]


def _chosen(
    params: Params,
    blocks: _Blocks,
    *,
    draws: Draws,
    step: int,
    samples: NDArray[np.int64],
    view: int,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return target blocks `[n, T, R, C]` and contexts `[n, R, C]` of samples.

    The first place suffices for most contexts; more numbers are drawn only for the others.
    """

    def numbers(of: NDArray[np.int64], *, places: int) -> NDArray[np.float64]:
        name = "context_targets"
        drawn = draws.uniform(name, step=step, samples=of, view=view, count=2 * places)
        return drawn.reshape(len(of), places, 2)

    first = numbers(samples, places=params.targets + 1)
    targets = _location(first[:, : params.targets], block=blocks.target, grid=blocks.grid)
    contexts = np.zeros_like(targets[:, 0])
    waiting = np.arange(len(samples))
    for places in (1, TRIES * (params.targets + 1)):
        tried = first if places == 1 else numbers(samples[waiting], places=params.targets + places)
        found, settled = _context(
            targets[waiting],
            numbers=tried[:, params.targets :],
            blocks=blocks,
            least=params.min_keep,
        )
        contexts[waiting] = found
        waiting = waiting[~settled]
        if len(waiting) == 0:
            break
    return targets, contexts


def _context(
    targets: NDArray[np.bool_], *, numbers: NDArray[np.float64], blocks: _Blocks, least: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the first context block with more than `least` patches outside the targets.

    After every `TRIES` blocks, one target fewer, from the last, is removed from the context.

    Args:
        targets: target blocks `[n, T, R, C]`.
        numbers: random numbers in [0, 1), two for each block to try `[n, tries, 2]`.
        blocks: block sizes; a context block has enough patches.
        least: number of patches that a context must exceed.

    Returns:
        The context `[n, R, C]` without the targets, and whether one was found `[n]`.
    """
    context = np.zeros_like(targets[:, 0])
    settled = np.zeros(len(targets), dtype=np.bool_)
    for attempt in range(numbers.shape[1]):
        respected = targets.shape[1] - attempt // TRIES
        block = _location(numbers[:, attempt], block=blocks.context, grid=blocks.grid)
        candidate = block & ~targets[:, :respected].any(axis=1)
        enough = ~settled & (candidate.sum(axis=(1, 2)) > least)
        context[enough] = candidate[enough]
        settled |= enough
        if settled.all():
            break
    return context, settled


def _ids(
    chosen: NDArray[np.bool_], *, room: int, most: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the ids of the first `most` chosen patches in row order, and which of them are valid.

    Args:
        chosen: chosen patches `[..., R, C]`.
        room: capacity in ids.
        most: maximum number of valid ids, one number per leading entry or one for all.
    """
    flat = chosen.reshape(*chosen.shape[:-2], -1)
    ids = np.argsort(~flat, axis=-1, kind="stable")[..., :room].astype(np.int64)
    valid = np.take_along_axis(flat, ids, axis=-1) & (np.arange(room) < most[..., None])
    return np.where(valid, ids, 0), valid
