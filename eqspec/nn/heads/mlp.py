"""Multi-layer perceptrons on features or tokens: projectors, expanders, trunks, predictors.

Legend: V views, B samples, D features.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn
from torch.nn import functional

from eqspec.nn.layers.batch_norm import GatheredBatchNorm
from eqspec.nn.layers.initialise import normal_linears
from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from eqspec.nn.layers.initialise import Rule
    from eqspec.nn.world import World

HiddenNorm = Literal["none", "batch", "layer"]
LastNorm = Literal["none", "layer", "batch", "batch-no-offset", "batch-no-affine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MlpDesign:
    """Architecture of a multi-layer perceptron.

    Attributes:
        widths: output width of each Linear; all but the last are hidden.
        activation: after each hidden layer (and its norm).
        norm: after each hidden Linear.
        bias: whether hidden Linears have one.
        last_bias: whether the last Linear has one.
        last_norm: after the last Linear.
        last_activation: whether an activation follows the last layer too.
        normalise: whether the output has unit Euclidean length.
        std: initial standard deviation of the weights, with zero biases; None: torch's default.
        group: batch statistics over consecutive groups of this many samples; None: the whole
            batch.
        statistics: batch statistics of each `view`, or of all views together (`batch`).
    """

    widths: tuple[int, ...]
    activation: Literal["relu", "gelu"] = "relu"
    norm: HiddenNorm = "none"
    bias: bool = True
    last_bias: bool = True
    last_norm: LastNorm = "none"
    last_activation: bool = False
    normalise: bool = False
    std: float | None = None
    group: int | None = None
    statistics: Literal["view", "batch"] = "view"


class LinearStack(nn.Module):
    """Linear layers with norms and activations between them, applied to the last axis.

    Args:
        features: width of the input.
        design: its architecture.
        world: ranks that share a batch.
    """

    def __init__(self, features: int, *, design: MlpDesign, world: World) -> None:
        super().__init__()
        self.design = design
        last = len(design.widths) - 1
        self.linears = nn.ModuleList(
            nn.Linear(before, after, bias=design.last_bias if index == last else design.bias)
            for index, (before, after) in enumerate(pairwise((features, *design.widths)))
        )
        kinds: list[HiddenNorm | LastNorm] = [design.norm for _ in range(last)]
        kinds.append(design.last_norm)
        self.norms = nn.ModuleList(
            _norm(kind, width, world=world, group=design.group)
            for kind, width in zip(kinds, design.widths, strict=True)
        )

    def initial_values(self) -> Mapping[str, Rule]:
        """Return the rules: normal weights if the design sets `std`, else torch's defaults."""
        return {} if self.design.std is None else normal_linears(self, std=self.design.std)

    def through(self, x: Tensor, *, views: int) -> Tensor:
        """Map features `[V·B, ..., D]` to features of the last width."""
        last = len(self.linears) - 1
        views = 1 if self.design.statistics == "batch" else views
        for index, (linear, norm) in enumerate(zip(self.linears, self.norms, strict=True)):
            x = linear(x)
            x = norm(x, views=views) if isinstance(norm, GatheredBatchNorm) else norm(x)
            if index < last or self.design.last_activation:
                x = functional.relu(x) if self.design.activation == "relu" else functional.gelu(x)
        return functional.normalize(at_least_fp32(x), dim=-1) if self.design.normalise else x


class Mlp(LinearStack):
    """Multi-layer perceptron on features or tokens."""

    def forward(self, *, x: Tensor, views: int = 1) -> Tensor:
        """Map features `[V·B, ..., D]` to features of the last width."""
        return self.through(x, views=views)


class ConditionedMlp(LinearStack):
    """Multi-layer perceptron on features and an action, concatenated on the last axis."""

    def forward(self, *, x: Tensor, action: Tensor, views: int = 1) -> Tensor:
        """Map features `[V·B, D]` and actions `[V·B, A]` to features of the last width."""
        return self.through(torch.cat([x, action.to(x.dtype)], dim=-1), views=views)


def _norm(kind: HiddenNorm | LastNorm, width: int, *, world: World, group: int | None) -> nn.Module:
    if kind == "none":
        return nn.Identity()
    if kind == "layer":
        return nn.LayerNorm(width)
    return GatheredBatchNorm(
        width,
        world=world,
        group=group,
        scale=kind != "batch-no-affine",
        offset=kind == "batch",
    )
