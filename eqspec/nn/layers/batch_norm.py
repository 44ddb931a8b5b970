"""Batch normalisation over the global batch, whatever a rank happens to hold.

Ioffe and Szegedy, Batch Normalization (arXiv:1502.03167), algorithm 1. torch's SyncBatchNorm
refuses CPU tensors and knows neither views nor groups, hence a module of our own.
Legend: V views, B samples, C channels, G groups.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import nn

from eqspec.nn.layers.initialise import Constant
from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from eqspec.nn.layers.initialise import Rule
    from eqspec.nn.world import World


class _Moments(NamedTuple):
    """Mean and biased variance, each `[V, runs, C]`: a run is a stretch of consecutive samples."""

    mean: Tensor
    var: Tensor


class GatheredBatchNorm(nn.Module):
    """`nn.BatchNorm` with statistics per view over the global batch, or over groups of it.

    Running statistics follow torch: momentum times the new value, unbiased variance, one update
    per view in order. With groups, the new value is the mean over the groups.

    Args:
        features: size of the channel axis.
        world: the ranks that share a batch.
        channel_axis: -1 for features `[V·B, ..., C]`, 1 for images `[V·B, C, H, W]`.
        group: statistics over consecutive groups of so many samples; None: the whole batch.
        scale: whether there is a learned `weight`.
        offset: whether there is a learned `bias`.
        eps: added to the variance.
        momentum: the weight of a new value in the running statistics.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(  # noqa: PLR0913 - the arguments of torch's own, and three of ours
        self,
        features: int,
        *,
        world: World,
        channel_axis: Literal[-1, 1] = -1,
        group: int | None = None,
        scale: bool = True,
        offset: bool = True,
        eps: float = 1e-5,
        momentum: float = 0.1,
    ) -> None:
        super().__init__()
        self.world = world
        self.channel_axis = channel_axis
        self.group = group
        self.eps = eps
        self.momentum = momentum
        self.updates_statistics = True
        self.weight = nn.Parameter(torch.ones(features)) if scale else None
        self.bias = nn.Parameter(torch.zeros(features)) if offset else None
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def initial_values(self) -> Mapping[str, Rule]:
        """The identity, and nothing seen yet."""
        values = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
        present = {name for name in values if getattr(self, name) is not None}
        return {name: Constant(values[name]) for name in sorted(present)}

    def forward(self, x: Tensor, *, views: int = 1) -> Tensor:
        """Normalises `x`, whose first axis holds `views` times the rank's samples, view by view.

        Raises:
            ValueError: when a statistic would be taken over a single value, or when the global
                batch is no multiple of the group.
        """
        samples = x.shape[0] // views
        run = samples if self.group is None else math.gcd(samples, self.group)
        x_VRSC = self._in_runs(at_least_fp32(x), views=views, runs=samples // run)
        if self.training:
            moments = self._batch_moments(x_VRSC, run=run)
        else:
            moments = _Moments(
                self.running_mean.expand(1, 1, -1), self.running_var.expand(1, 1, -1)
            )
        scale = torch.rsqrt(moments.var + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        shift = -moments.mean * scale
        if self.bias is not None:
            shift = shift + self.bias
        normalised = x_VRSC * scale[:, :, None, :, None] + shift[:, :, None, :, None]
        return normalised.reshape(x.shape).to(x.dtype)

    def _in_runs(self, x: Tensor, *, views: int, runs: int) -> Tensor:
        """`x` as `[V, runs, what precedes C within a run, C, what follows C]`."""
        if self.channel_axis == 1:
            return x.reshape(views, runs, -1, x.shape[1], x.shape[2:].numel())
        return x.reshape(views, runs, -1, x.shape[-1], 1)

    def _batch_moments(self, x_VRSC: Tensor, *, run: int) -> _Moments:
        """Moments for each run of this rank; runs of one group, on any rank, get the same ones."""
        var, mean = torch.var_mean(x_VRSC, dim=(2, 4), correction=0)
        own = _Moments(mean, var)
        runs = mean.shape[1]
        whole = runs * run * self.world.size
        group = self.group or whole
        values = x_VRSC.shape[2] * x_VRSC.shape[4] * group // run
        if whole % group or values == 1:
            raise ValueError(
                f"batch statistics over groups of {group} of {whole} samples: the group must "
                "divide the batch and hold more than one value per channel"
            )
        if group == run:
            self._remember(own, values=values, everywhere=False)
            return own
        every = _Moments(*self.world.gather(torch.stack(own), axis=2))
        pooled = _pool(every, size=group // run)
        self._remember(pooled, values=values, everywhere=True)
        first = self.world.rank * runs
        return _Moments(
            *(m.repeat_interleave(group // run, dim=1).narrow(1, first, runs) for m in pooled)
        )

    @torch.no_grad()
    def _remember(self, moments: _Moments, *, values: int, everywhere: bool) -> None:
        """Moves the running statistics, once per view, towards the mean over all groups."""
        if not self.updates_statistics:
            return
        mean_VC, var_VC = (m.mean(dim=1) for m in moments)
        if not everywhere:
            mean_VC, var_VC = self.world.mean(mean_VC), self.world.mean(var_VC)
        unbiased_VC = var_VC * (values / (values - 1))
        for mean_C, var_C in zip(mean_VC, unbiased_VC, strict=True):
            self.running_mean.lerp_(mean_C.to(self.running_mean.dtype), self.momentum)
            self.running_var.lerp_(var_C.to(self.running_var.dtype), self.momentum)


def _pool(moments: _Moments, *, size: int) -> _Moments:
    """Moments of groups of `size` consecutive runs, from those of equally long runs."""
    mean_VGRC, var_VGRC = (m.unflatten(1, (-1, size)) for m in moments)
    mean_VGC = mean_VGRC.mean(dim=2)
    between_VGC = (mean_VGRC - mean_VGC[:, :, None]).square().mean(dim=2)
    return _Moments(mean_VGC, var_VGRC.mean(dim=2) + between_VGC)


@contextmanager
def paused_statistics(module: nn.Module) -> Iterator[None]:
    """Keeps every `GatheredBatchNorm` below `module` from moving its running statistics.

    For passes that recompute activations which an earlier pass has already counted.
    """
    norms = [m for m in module.modules() if isinstance(m, GatheredBatchNorm)]
    before = [norm.updates_statistics for norm in norms]
    try:
        for norm in norms:
            norm.updates_statistics = False
        yield
    finally:
        for norm, was in zip(norms, before, strict=True):
            norm.updates_statistics = was
