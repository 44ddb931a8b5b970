"""Linear classifiers on tokens, one for each kind of features and learning rate.

Legend: B samples, N tokens, T blocks side by side, D features of a block, K kinds of features,
R rates, S = K·R classifiers, C classes.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from eqspec.nn.layers.initialise import Constant, Normal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eqspec.nn.layers.initialise import Rule

SPREAD = 0.01
"""Standard deviation of the initial weights; biases start at 0 (arXiv:2104.14294)."""


class LinearGrid(nn.Module):
    """Tokens `[B, N, T·D]` to logits `[B, S, C]`; rates change fastest.

    Args:
        width: D.
        prefix: how many leading tokens are no patches; the first is the class token.
        classes: C.
        blocks: numbers of last blocks whose class tokens are read.
        mean_patch: with the mean patch of the last block beside them, or without.
        rates: R; the classifiers of rate r have the parameters ``rate_<r>.<kind>``.
    """

    def __init__(
        self,
        *,
        width: int,
        prefix: int,
        classes: int,
        blocks: tuple[int, ...],
        mean_patch: tuple[bool, ...],
        rates: int,
    ) -> None:
        super().__init__()
        self._width = width
        self._prefix = prefix
        self._kinds = tuple(product(blocks, mean_patch))
        self._rates = rates
        for rate in range(rates):
            heads = (nn.Linear((n + patch) * width, classes) for n, patch in self._kinds)
            self.add_module(f"rate_{rate}", nn.ModuleList(heads))

    def initial_values(self) -> Mapping[str, Rule]:
        """Normal weights, zero biases."""
        return {
            name: Constant(0.0) if name.endswith("bias") else Normal(SPREAD)
            for name, _ in self.named_parameters()
        }

    def forward(self, x: Tensor) -> Tensor:
        """Logits `[B, S, C]` of tokens `x`, `[B, N, T·D]`."""
        mean = x[:, self._prefix :, -self._width :].mean(dim=1)
        logits: list[Tensor] = []
        for kind, (blocks, patch) in enumerate(self._kinds):
            features = x[:, 0, -blocks * self._width :]
            if patch:
                features = torch.cat([features, mean], dim=-1)
            logits += [self._classifier(rate, kind)(features) for rate in range(self._rates)]
        return torch.stack(logits, dim=1)

    def _classifier(self, rate: int, kind: int) -> nn.Module:
        heads = self.get_submodule(f"rate_{rate}")
        assert isinstance(heads, nn.ModuleList), "built as one"
        return heads[kind]
