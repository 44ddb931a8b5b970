"""Streams drawn for every step: masks and drop-path multipliers.

Drawn on the CPU from (seed, step, position in the global batch), so they do not depend on ranks,
micro-batches or devices.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from eqspec.compile.types.graph import DropPathPlan, GraphPlan, InputPlan
from eqspec.nn.random.philox import Draws
from eqspec.ops.find import find_mask


def drawn_inputs(
    plan: GraphPlan,
    *,
    seed: int,
    step: int,
    positions: np.ndarray,
    batch: int,
    device: torch.device,
) -> dict[str, Tensor]:
    """Return streams by name, for this rank's share of the batch.

    Args:
        positions: positions in the global batch `[b]`.
        batch: size of the global batch.
    """
    draws = Draws(seed)
    arrays: dict[str, np.ndarray] = {}
    for given in plan.inputs:
        arrays.update(_masks(given, draws=draws, step=step, positions=positions, batch=batch))
    for drop in plan.drop_paths:
        draw = _subset if drop.draw == "subset" else _bernoulli
        arrays[drop.name] = draw(drop, draws=draws, step=step, positions=positions, batch=batch)
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def _masks(
    given: InputPlan, *, draws: Draws, step: int, positions: np.ndarray, batch: int
) -> dict[str, np.ndarray]:
    op = find_mask(given.impl)
    params = op.Params.model_validate(given.params)
    drawn = op.draw(params, given.of, draws=draws, step=step, positions=positions, batch=batch)
    return {f"{given.name}.{key}" if key else given.name: array for key, array in drawn.items()}


def _bernoulli(
    drop: DropPathPlan,
    *,
    draws: Draws,
    step: int,
    positions: np.ndarray,
    batch: int,  # noqa: ARG001 - as `_subset`
) -> np.ndarray:
    """Return 1 / (1 − rate) for residual branches kept and 0 for those dropped, `[V, B, L, 2]`."""
    rates = np.repeat(np.asarray(drop.rates)[:, None], 2, axis=1)
    kept = _uniforms(drop, draws=draws, step=step, samples=positions) >= rates
    return _shaped(drop, kept / (1.0 - rates))


def _subset(
    drop: DropPathPlan, *, draws: Draws, step: int, positions: np.ndarray, batch: int
) -> np.ndarray:
    """Return the multiplier n / k for branches kept and 0 for those dropped, `[V, B, L, 2]`.

    Of the n views of a group of samples, the same number k keeps a branch at every step: those
    with the smallest draws, each times n / k.
    """
    size = drop.group or batch
    groups, group_of = np.unique(positions // size, return_inverse=True)
    samples = (groups[:, None] * size + np.arange(size)).ravel()
    drawn = _uniforms(drop, draws=draws, step=step, samples=samples)
    views = len(drawn)
    # [V, B, L, 2] → [groups, n views, L, 2]
    grouped = drawn.reshape(views, len(groups), size, *drawn.shape[2:]).swapaxes(0, 1)
    grouped = grouped.reshape(len(groups), views * size, *drawn.shape[2:])
    rank = grouped.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    kept = np.array([max(int(views * size * (1 - rate)), 1) for rate in drop.rates])[:, None]
    multipliers = np.where(rank < kept, views * size / kept, 0.0)
    by_view = multipliers.reshape(len(groups), views, size, *drawn.shape[2:]).swapaxes(0, 1)
    return _shaped(drop, by_view[:, group_of, positions % size])


def _uniforms(drop: DropPathPlan, *, draws: Draws, step: int, samples: np.ndarray) -> np.ndarray:
    """Return draws in [0, 1) for every view, sample, block and branch, `[V, B, L, 2]`."""
    shape = (len(samples), len(drop.rates), 2)
    views = drop.type.size("V") if "V" in drop.type.axes else 1
    count = 2 * len(drop.rates)
    drawn = [
        draws.uniform(drop.name, step=step, samples=samples, view=v, count=count).reshape(shape)
        for v in range(views)
    ]
    return np.stack(drawn)


def _shaped(drop: DropPathPlan, multipliers: np.ndarray) -> np.ndarray:
    """Return draws as float32, without the axis V if the stream has none."""
    rounded = multipliers.astype(np.float32)
    return rounded if "V" in drop.type.axes else rounded[0]
