"""An MLP that regresses targets from frozen features: several seeds fitted at once.

2d-1024-1024-p with ReLU on the mean squared error, as in SIE's evaluation (arXiv:2302.10283);
the optimizer and its schedule are eqspec's (`eqspec.nn.readouts.fitting`). Every seed has its own
initial weights and its own order of samples; stacked weights `[S, in, out]` fit them in one batched
product. S seeds, B batch, D features, P targets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from eqspec.nn.random.philox import Draws
from eqspec.nn.readouts.feature_matrix import FeatureMatrix, standardise
from eqspec.nn.readouts.fitting import Family, Fitting, fit

CHUNK = 4096
"""Samples predicted at a time."""


@dataclass(frozen=True, slots=True)
class Regressors:
    """Which regressors are fitted.

    Attributes:
        hidden: widths of the hidden layers.
        lr: peak (and initial) learning rate.
        seeds: how many regressors.
    """

    hidden: tuple[int, ...]
    lr: float
    seeds: int


def initial_weights(
    widths: tuple[int, ...], *, seeds: int, device: torch.device | str
) -> list[Tensor]:
    """Weights `[S, in, out]` and biases `[S, 1, out]`, uniform within 1/√in, layer by layer."""
    generators = [torch.Generator().manual_seed(seed) for seed in range(seeds)]
    weights: list[Tensor] = []
    for fan_in, fan_out in pairwise(widths):
        bound = 1 / math.sqrt(fan_in)
        for rows in (fan_in, 1):
            drawn = [torch.rand(rows, fan_out, generator=g) for g in generators]
            weight = (torch.stack(drawn) * 2 - 1) * bound
            weights.append(weight.to(device).requires_grad_())
    return weights


def forward(weights: list[Tensor], x_SBD: Tensor) -> Tensor:
    """Predictions of all seeds, `[S, B, P]`."""
    last = len(weights) - 2
    for i in range(0, len(weights), 2):
        x_SBD = torch.baddbmm(weights[i + 1], x_SBD, weights[i])
        x_SBD = x_SBD if i == last else x_SBD.relu()
    return x_SBD


def fit_predict(
    train: FeatureMatrix,
    targets_NP: Tensor,
    held_out: FeatureMatrix,
    *,
    regressors: Regressors,
    fitting: Fitting,
) -> Tensor:
    """Fit every seed on (`train`, `targets_NP`) and predict for `held_out`.

    Features are standardised here, targets are taken as they are; all in fp32 on the features'
    device.

    Returns:
        Predictions `[S, M, P]` of the weights after the last epoch.
    """
    seeds, device = regressors.seeds, train.device
    x, held_out = standardise(train, held_out)
    y_NP = targets_NP.to(device=device, dtype=torch.float32)
    widths = (x.width, *regressors.hidden, y_NP.shape[1])
    weights = initial_weights(widths, seeds=seeds, device=device)

    def order(epoch: int) -> Tensor:
        orders = [Draws(seed).order(epoch=epoch, count=len(x)) for seed in range(seeds)]
        return torch.from_numpy(np.stack(orders))

    def loss(ids_SB: Tensor) -> Tensor:
        errors_SBP = (forward(weights, x.take(ids_SB)) - y_NP[ids_SB.to(y_NP.device)]).square()
        return errors_SBP.mean(dim=(1, 2)).sum()

    with torch.autocast(torch.device(device).type, enabled=False):
        family = Family(weights, regressors.lr)
        fit([family], fitting=fitting, samples=len(x), order=order, loss=loss)
        with torch.no_grad():
            chunks = held_out.chunks(CHUNK)
            return torch.cat([forward(weights, c.expand(seeds, -1, -1)) for c in chunks], dim=1)
