"""An MLP that regresses targets from frozen features: several seeds trained at once.

2d-1024-1024-p with ReLU on the mean squared error, as in SIE's evaluation (arXiv:2302.10283);
the optimizer and its schedule are eqspec's (AdamW, cosine to zero over the steps, last epoch kept).
Every seed has its own initial weights and its own order of samples; stacked weights `[S, in, out]`
train them in one batched product. S seeds, B batch, D features, P targets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from eqspec.nn.random.philox import Draws

CHUNK = 4096
"""Samples predicted at a time."""


@dataclass(frozen=True, slots=True)
class Regression:
    """How the regressors are trained.

    Attributes:
        hidden: widths of the hidden layers.
        batch: samples per step; an epoch's last samples are spread over its batches.
        lr: peak (and initial) learning rate.
        seeds: how many regressors.
    """

    hidden: tuple[int, ...]
    epochs: int
    batch: int
    lr: float
    weight_decay: float
    seeds: int


@dataclass(frozen=True, slots=True)
class PairFeatures:
    """Features of pairs (I, g(I)) of n images with k draws of g each, and what was drawn.

    `moved` and the keys made from it are (row, family, border): which part of the model, which
    transformation, and what stands where it looks outside the image.

    Attributes:
        still: features of I per row, `[n, D]`.
        moved: features of g(I), `[n, k, D]`.
        theta: drawn parameters per family, `[n, k, P]`, in the transform op's units.
        ranges: per family `[P, 2]`, lowest and highest value of each parameter.
        names: the parameters of each family.
        images: positions in the dataset, `[n]`.
        sources: which photograph each image comes from, `[n]`.
    """

    still: Mapping[str, Tensor]
    moved: Mapping[tuple[str, str, str], Tensor]
    theta: Mapping[str, np.ndarray]
    ranges: Mapping[str, np.ndarray]
    names: Mapping[str, tuple[str, ...]]
    images: np.ndarray
    sources: np.ndarray

    def inputs(self, key: tuple[str, str, str]) -> Tensor:
        """What a regressor reads: features of I and g(I) side by side, `[n·k, 2D]`."""
        moved = self.moved[key]
        still = self.still[key[0]].unsqueeze(1).expand_as(moved)
        return torch.cat([still, moved], dim=2).flatten(0, 1)

    def scaled(self, family: str) -> np.ndarray:
        """Parameters from their ranges onto [−1, 1], `[n·k, P]`; 0 where a range is one value."""
        low, high = self.ranges[family].T
        half = (high - low) / 2
        centred = self.theta[family] - (low + high) / 2
        scaled = np.divide(centred, half, out=np.zeros_like(centred), where=half > 0)
        return scaled.reshape(-1, scaled.shape[2])


def standardise(train_ND: Tensor, held_MD: Tensor) -> tuple[Tensor, Tensor]:
    """Both splits by the mean and standard deviation of the training split, in fp32.

    A feature that hardly varies beside the others is divided by a thousandth of their typical
    deviation instead of its own: rounding must not be blown up into a signal.
    """
    train_ND, held_MD = train_ND.to(torch.float32), held_MD.to(torch.float32)
    std, mean = torch.std_mean(train_ND, dim=0, correction=0)
    floor = 1e-3 * std.square().mean().sqrt() + torch.finfo(torch.float32).tiny
    std = std.clamp_min(floor)
    return (train_ND - mean) / std, (held_MD - mean) / std


def initial_weights(widths: tuple[int, ...], *, seeds: int, device: torch.device) -> list[Tensor]:
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
    train_ND: Tensor, targets_NP: Tensor, held_MD: Tensor, *, settings: Regression
) -> Tensor:
    """Trains every seed on (`train_ND`, `targets_NP`) and predicts for `held_MD`.

    Features are standardised here, targets are taken as they are; all in fp32 on the features'
    device.

    Returns:
        Predictions `[S, M, P]` of the weights after the last epoch.
    """
    device = train_ND.device
    with torch.enable_grad(), torch.autocast(device.type, enabled=False):
        x_ND, held_MD = standardise(train_ND, held_MD)
        y_NP = targets_NP.to(device=device, dtype=torch.float32)
        widths = (x_ND.shape[1], *settings.hidden, y_NP.shape[1])
        weights = initial_weights(widths, seeds=settings.seeds, device=device)
        _fit(weights, x_ND, y_NP, settings=settings)
        with torch.no_grad():
            chunks = held_MD.split(CHUNK)
            seeds = settings.seeds
            return torch.cat([forward(weights, c.expand(seeds, -1, -1)) for c in chunks], dim=1)


def _fit(weights: list[Tensor], x_ND: Tensor, y_NP: Tensor, *, settings: Regression) -> None:
    """Gradient steps on all seeds' weights, in place."""
    batches = max(1, round(len(x_ND) / settings.batch))
    steps = batches * settings.epochs
    optimizer = torch.optim.AdamW(
        weights, lr=settings.lr, weight_decay=settings.weight_decay, fused=True
    )
    cosine = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps))
    )
    for epoch in range(settings.epochs):
        orders = [Draws(s).order(epoch=epoch, count=len(x_ND)) for s in range(settings.seeds)]
        order_SN = torch.from_numpy(np.stack(orders)).to(x_ND.device)
        for ids_SB in order_SN.tensor_split(batches, dim=1):
            errors_SBP = (forward(weights, x_ND[ids_SB]) - y_NP[ids_SB]).square()
            # A sum over seeds, so that each takes the step it would take alone.
            loss = errors_SBP.mean(dim=(1, 2)).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cosine.step()
