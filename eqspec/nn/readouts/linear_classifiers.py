"""Linear classifiers on frozen features, one per learning rate, trained at once.

The classifiers of all L rates see the same batches and share one matrix product,
`[B, D] × [D, L·C]`; each has its own learning rate. AdamW, cosine to zero over the steps, softmax
cross-entropy. N samples, B batch, D features, C classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from eqspec.nn.random.philox import Draws

CHUNK = 4096
"""Samples predicted at a time."""

SPREAD = 0.01
"""Standard deviation of the initial weights; biases start at 0."""


@dataclass(frozen=True, slots=True)
class Schooling:
    """How the classifiers are trained.

    Attributes:
        lrs: a classifier for each learning rate.
        batch: samples per step; an epoch's last samples are spread over its batches.
    """

    lrs: tuple[float, ...]
    epochs: int
    batch: int
    weight_decay: float


@dataclass(frozen=True, slots=True)
class Classifiers:
    """L trained linear classifiers: weights `[D, L, C]`, biases `[L, C]`."""

    weights: Tensor
    biases: Tensor

    def logits(self, x_MD: Tensor) -> Tensor:
        """Scores of every class, `[M, L, C]`."""
        return torch.einsum("md,dlc->mlc", x_MD, self.weights) + self.biases

    def classify(self, x_MD: Tensor) -> Tensor:
        """The class that each of them says, `[L, M]`."""
        with torch.no_grad():
            found = [self.logits(chunk).argmax(dim=2) for chunk in x_MD.split(CHUNK)]
        return torch.cat(found).T


def fit(x_ND: Tensor, labels_N: Tensor, *, classes: int, schooling: Schooling) -> Classifiers:
    """Trains a classifier for each learning rate; all start alike and see the same batches.

    Args:
        x_ND: features, taken as they are, in fp32.
        labels_N: their classes, int64.
        classes: how many there are.
        schooling: rates and lengths.
    """
    rates = len(schooling.lrs)
    generator = torch.Generator().manual_seed(0)
    start = SPREAD * torch.randn(x_ND.shape[1], classes, generator=generator)
    weights = [start.to(x_ND.device, copy=True).requires_grad_() for _ in schooling.lrs]
    biases = [x_ND.new_zeros(classes, requires_grad=True) for _ in schooling.lrs]
    groups = [
        {"params": pair, "lr": lr} for *pair, lr in zip(weights, biases, schooling.lrs, strict=True)
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=schooling.weight_decay, fused=True)
    batches = max(1, round(len(x_ND) / schooling.batch))
    steps = batches * schooling.epochs
    cosine = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps))
    )
    for epoch in range(schooling.epochs):
        order_N = torch.from_numpy(Draws(0).order(epoch=epoch, count=len(x_ND))).to(x_ND.device)
        for ids_B in order_N.tensor_split(batches):
            logits = torch.addmm(torch.cat(biases), x_ND[ids_B], torch.cat(weights, dim=1))
            said = logits.view(-1, classes)
            # A sum over rates, so that each classifier takes the step it would take alone.
            wrong = F.cross_entropy(said, labels_N[ids_B].repeat_interleave(rates), reduction="sum")
            optimizer.zero_grad()
            (wrong / len(ids_B)).backward()
            optimizer.step()
            cosine.step()
    return Classifiers(
        weights=torch.stack([w.detach() for w in weights], dim=1),
        biases=torch.stack([b.detach() for b in biases]),
    )
