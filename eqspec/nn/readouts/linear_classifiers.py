"""Linear classifiers on frozen features, one per learning rate, fitted at once.

The classifiers of all L rates see the same batches and share one matrix product,
`[B, D] × [D, L·C]`; each has its own learning rate. Softmax cross-entropy. N samples, B batch,
D features, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from eqspec.nn.random.philox import Draws
from eqspec.nn.readouts.feature_matrix import FeatureMatrix
from eqspec.nn.readouts.fitting import Family, Fitting, fit

CHUNK = 4096
"""Samples predicted at a time."""

SPREAD = 0.01
"""Standard deviation of the initial weights; biases start at 0."""


@dataclass(frozen=True, slots=True)
class Classifiers:
    """L fitted linear classifiers: weights `[D, L, C]`, biases `[L, C]`."""

    weights: Tensor
    biases: Tensor

    def logits(self, x_MD: Tensor) -> Tensor:
        """Scores of every class, `[M, L, C]`."""
        return torch.einsum("md,dlc->mlc", x_MD, self.weights) + self.biases

    def classify(self, x: FeatureMatrix) -> Tensor:
        """The class that each classifier predicts for every sample, `[L, M]`."""
        with torch.no_grad():
            found = [self.logits(chunk).argmax(dim=2) for chunk in x.chunks(CHUNK)]
        return torch.cat(found).T


def fit_classifiers(
    x: FeatureMatrix, labels_N: Tensor, *, classes: int, lrs: Sequence[float], fitting: Fitting
) -> Classifiers:
    """Fit a classifier for each learning rate; all start alike and see the same batches.

    Args:
        x: features, taken as they are.
        labels_N: their classes, int64.
        classes: how many there are.
        lrs: a classifier for each.
        fitting: lengths and weight decay.
    """
    labels_N = labels_N.to(x.device)
    generator = torch.Generator().manual_seed(0)
    start = SPREAD * torch.randn(x.width, classes, generator=generator)
    weights = [start.to(x.device, copy=True).requires_grad_() for _ in lrs]
    biases = [torch.zeros(classes, device=x.device, requires_grad=True) for _ in lrs]

    def order(epoch: int) -> Tensor:
        return torch.from_numpy(Draws(0).order(epoch=epoch, count=len(x)))

    def loss(ids_B: Tensor) -> Tensor:
        logits = torch.addmm(torch.cat(biases), x.take(ids_B), torch.cat(weights, dim=1))
        wanted = labels_N[ids_B.to(labels_N.device)].repeat_interleave(len(lrs))
        wrong = F.cross_entropy(logits.view(-1, classes), wanted, reduction="sum")
        return wrong / len(ids_B)

    families = [Family(pair, lr) for *pair, lr in zip(weights, biases, lrs, strict=True)]
    with torch.autocast(torch.device(x.device).type, enabled=False):
        fit(families, fitting=fitting, samples=len(x), order=order, loss=loss)
    return Classifiers(
        weights=torch.stack([w.detach() for w in weights], dim=1),
        biases=torch.stack([b.detach() for b in biases]),
    )
