"""The streams that are drawn for every step: masks and drop-path multipliers.

Drawn on the CPU from (seed, step, position in the global batch), so they do not depend on ranks,
micro-batches or devices.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from eqspec.compile.graph_plan import DropPathPlan, GraphPlan, InputPlan
from eqspec.nn.philox import Draws
from eqspec.ops.find import find_op


def drawn_inputs(
    plan: GraphPlan,
    *,
    seed: int,
    step: int,
    positions: np.ndarray,
    batch: int,
    device: torch.device,
) -> dict[str, Tensor]:
    """Streams by name, for this rank's share of the batch.

    Args:
        positions: positions in the global batch `[b]`.
        batch: size of the global batch.
    """
    draws = Draws(seed)
    arrays: dict[str, np.ndarray] = {}
    for given in plan.inputs:
        arrays.update(_masks(given, draws=draws, step=step, positions=positions, batch=batch))
    for drop in plan.drop_paths:
        arrays[drop.name] = _drop_path(drop, draws=draws, step=step, positions=positions)
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def _masks(
    given: InputPlan, *, draws: Draws, step: int, positions: np.ndarray, batch: int
) -> dict[str, np.ndarray]:
    op = find_op("masks", given.impl)
    params = op.Params.model_validate(given.params)
    drawn: dict[str, np.ndarray] = op.draw(
        params, given.of, draws=draws, step=step, positions=positions, batch=batch
    )
    return {f"{given.name}.{key}" if key else given.name: array for key, array in drawn.items()}


def _drop_path(drop: DropPathPlan, *, draws: Draws, step: int, positions: np.ndarray) -> np.ndarray:
    """1 / (1 − rate) where a residual branch is kept, 0 where it is dropped: `[V, B, L, 2]`."""
    rates = np.repeat(np.asarray(drop.rates)[:, None], 2, axis=1)
    views = drop.type.size("V") if "V" in drop.type.axes else 1
    kept = np.stack(
        [
            draws.uniform(
                drop.name, step=step, samples=positions, view=v, count=rates.size
            ).reshape(len(positions), *rates.shape)
            >= rates
            for v in range(views)
        ]
    )
    multipliers = (kept / (1.0 - rates)).astype(np.float32)
    return multipliers if "V" in drop.type.axes else multipliers[0]
