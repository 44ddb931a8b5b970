"""Contrastive terms: identify the other view of a sample among the views of all other samples.

SimCLR's NT-Xent (arXiv:2002.05709, equation 1), also between predictions and their targets
(EquiMod, arXiv:2211.01244) and between samples that share a change (STL, arXiv:2501.08712), and
MoCo v3's query-key form (arXiv:2104.02057, algorithm 1). Legend: V views, B samples, D features,
N samples of the global batch, P pairs of them, K streams, S pairs of all streams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor

    from eqspec.nn.world import World


def nt_xent(x_VND: Tensor, *, temperature: float) -> Tensor:
    """Return the mean cross-entropy of identifying each view's partner among 2N − 1 other views.

    Args:
        x_VND: both views of the whole batch `[2, N, D]`; vectors are normalised first.
        temperature: divisor of the cosine similarities.

    Returns:
        A scalar, at least float32.
    """
    samples = x_VND.shape[1]
    unit_SD = F.normalize(at_least_fp32(x_VND), dim=-1).flatten(0, 1)
    logits_SS = unit_SD @ unit_SD.mT / temperature
    itself_SS = torch.eye(2 * samples, dtype=torch.bool, device=logits_SS.device)
    # Not −inf: a finite minimum keeps gradients finite even if everything else is masked.
    logits_SS = logits_SS.masked_fill(itself_SS, torch.finfo(logits_SS.dtype).min)
    partner_S = torch.arange(2 * samples, device=logits_SS.device).roll(samples)
    return F.cross_entropy(logits_SS, partner_S)


def query_key(queries_BD: Tensor, keys_ND: Tensor, *, temperature: float, first: int) -> Tensor:
    """Return 2T times the cross-entropy of identifying each query's own key among all keys.

    Args:
        queries_BD: queries of this rank `[B, D]`; vectors are normalised first.
        keys_ND: keys of the global batch `[N, D]`, in sample order.
        temperature: T.
        first: position of this rank's first sample in the global batch.

    Returns:
        A scalar, at least float32: the mean over this rank's queries.
    """
    unit_BD = F.normalize(at_least_fp32(queries_BD), dim=-1)
    unit_ND = F.normalize(at_least_fp32(keys_ND), dim=-1)
    own_B = first + torch.arange(unit_BD.shape[0], device=unit_BD.device)
    return 2 * temperature * F.cross_entropy(unit_BD @ unit_ND.mT / temperature, own_B)


class InfoNCE(nn.Module):
    """`nt_xent` over the global batch; every rank returns the global value.

    Args:
        temperature: divisor of the cosine similarities.
        scale: factor of the value.
        world: ranks that share the batch.
    """

    def __init__(self, *, temperature: float, scale: float, world: World) -> None:
        super().__init__()
        self.temperature = temperature
        self.scale = scale
        self.world = world

    def forward(self, x: Tensor) -> Tensor:
        """Return the term for both views `[2, B, D]`."""
        whole_VND = self.world.gather(at_least_fp32(x), axis=1)
        return self.scale * nt_xent(whole_VND, temperature=self.temperature)


class PairedContrast(nn.Module):
    """`nt_xent` of predictions and targets over all views of the global batch.

    Every rank returns the global value.
    """

    def __init__(self, *, temperature: float, world: World) -> None:
        super().__init__()
        self.temperature = temperature
        self.world = world

    def forward(self, predictions: tuple[Tensor, ...], targets: Tensor) -> Tensor:
        """Return the term for a prediction `[B, D]` per view and the targets `[V, B, D]`."""
        pairs_2VBD = torch.stack([torch.stack(predictions), targets])
        whole_2VND = self.world.gather(at_least_fp32(pairs_2VBD), axis=2)
        return nt_xent(whole_2VND.flatten(1, 2), temperature=self.temperature)


class NeighbourContrast(nn.Module):
    """`nt_xent` between samples 2i and 2i + 1 over all streams of the global batch.

    Every rank returns the global value.
    """

    def __init__(self, *, temperature: float, world: World) -> None:
        super().__init__()
        self.temperature = temperature
        self.world = world

    def forward(self, x: tuple[Tensor, ...]) -> Tensor:
        """Return the term for streams `[B, D]`."""
        whole_KND = self.world.gather(at_least_fp32(torch.stack(x)), axis=1)
        pairs_KP2D = whole_KND.unflatten(1, (-1, 2))
        pairs_2SD = pairs_KP2D.movedim(2, 0).flatten(1, 2)
        return nt_xent(pairs_2SD, temperature=self.temperature)


class QueryKeyContrast(nn.Module):
    """`query_key` summed over all pairs of different views; keys get no gradient."""

    def __init__(self, *, temperature: float, world: World) -> None:
        super().__init__()
        self.temperature = temperature
        self.world = world

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Return the term for queries and keys `[V, B, D]` of the same views and samples."""
        keys_VND = self.world.gather(at_least_fp32(keys.detach()), axis=1)
        first = self.world.rank * queries.shape[1]
        pairs = [
            query_key(query_BD, key_ND, temperature=self.temperature, first=first)
            for v, query_BD in enumerate(queries.unbind(0))
            for w, key_ND in enumerate(keys_VND.unbind(0))
            if v != w
        ]
        return torch.stack(pairs).sum()
