"""Features as encoders give them: classes, or parameters, that are partly linear in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eqspec.nn.random.philox import Draws

APART = 4.0
"""Distance of two classes in standard deviations of each, for any width."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Features with classes.

    Attributes:
        train: `[N, D]`; `held_out` is `[M, D]`.
        labels: of both, int64.
    """

    train: Tensor
    held_out: Tensor
    labels: Tensor
    held_out_labels: Tensor
    classes: int


def normal(name: str, *shape: int) -> Tensor:
    """Return the same standard normal numbers for the same name, float32."""
    drawn = Draws(0).uniform(name, step=0, samples=np.arange(shape[0]), view=0, count=2 * shape[1])
    radius = np.sqrt(-2 * np.log1p(-drawn[:, : shape[1]]))
    found = radius * np.cos(2 * np.pi * drawn[:, shape[1] :])
    return torch.from_numpy(found.astype(np.float32))


def labelled(*, train: int, held_out: int, width: int, classes: int) -> Labelled:
    """Return features around a centre for each class, with much overlap."""
    centres = normal("centres", classes, width)
    count = train + held_out
    labels = torch.arange(count) % classes
    features = APART / (2 * width) ** 0.5 * centres[labels] + normal("noise", count, width)
    return Labelled(
        train=features[:train],
        held_out=features[train:],
        labels=labels[:train],
        held_out_labels=labels[train:],
        classes=classes,
    )
