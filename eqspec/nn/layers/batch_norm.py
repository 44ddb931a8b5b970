"""Batch normalisation over the global batch, independent of how many ranks share it.

Ioffe and Szegedy, Batch Normalization (arXiv:1502.03167), algorithm 1. torch's SyncBatchNorm
supports neither CPU tensors nor views nor groups, hence this module.
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
    """Mean and biased variance, each `[V, runs, C]`; a run is a series of consecutive samples."""

    mean: Tensor
    var: Tensor


class GatheredBatchNorm(nn.Module):
    """`nn.BatchNorm` with statistics per view over the global batch, or over groups of it.

    Running statistics follow torch: momentum times the new value, unbiased variance, one update
    per view in order. With groups, the new value is the mean over the groups.

    Args:
        features: size of the channel axis.
        world: ranks that share a batch.
        channel_axis: -1 for features `[V·B, ..., C]`, 1 for images `[V·B, C, H, W]`.
        group: statistics over consecutive groups of this many samples; None: the whole batch.
        scale: whether to learn a `weight`.
        offset: whether to learn a `bias`.
        eps: added to the variance.
        momentum: weight of a new value in the running statistics.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(  # noqa: PLR0913 - the arguments of torch's BatchNorm, and three more
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
        """Return the rules: scale 1, offset 0, running mean 0, running variance 1."""
        values = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
        present = {name for name in values if getattr(self, name) is not None}
        return {name: Constant(values[name]) for name in sorted(present)}

    def forward(self, x: Tensor, *, views: int = 1) -> Tensor:
        """Normalise `x` `[V·B, ...]`, each view with statistics of its own.

        Raises:
            ValueError: when a statistic would be computed from a single value, or when the global
                batch is not a multiple of the group.
        """
        samples = x.shape[0] // views
        run = samples if self.group is None else math.gcd(samples, self.group)
        if not self.training or (self.world.size == 1 and self.group in {None, samples}):
            return self._by_torch(at_least_fp32(x), views=views).to(x.dtype)
        x_VRSC = self._in_runs(at_least_fp32(x), views=views, runs=samples // run)
        moments = self._batch_moments(x_VRSC, run=run)
        scale = torch.rsqrt(moments.var + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        shift = -moments.mean * scale
        if self.bias is not None:
            shift = shift + self.bias
        normalised = x_VRSC * scale[:, :, None, :, None] + shift[:, :, None, :, None]
        return normalised.reshape(x.shape).to(x.dtype)

    def _by_torch(self, x: Tensor, *, views: int) -> Tensor:
        """Normalise with torch's kernel: a view whose batch is all here, or running statistics."""
        parts = x.tensor_split(views) if self.training else (x,)
        results = [self._native(part.movedim(self.channel_axis, 1)) for part in parts]
        found = results[0] if len(results) == 1 else torch.cat(results)
        return found.movedim(1, self.channel_axis)

    def _native(self, x: Tensor) -> Tensor:
        """Normalise `x` `[B, C, ...]`."""
        if self.training:
            _need_several(x.numel() // x.shape[1], group=x.shape[0], whole=x.shape[0])
        moving = self.updates_statistics or not self.training
        return torch.batch_norm(
            x,
            self.weight,
            self.bias,
            self.running_mean if moving else None,
            self.running_var if moving else None,
            self.training,
            self.momentum,
            self.eps,
            torch.backends.cudnn.enabled,
        )

    def _in_runs(self, x: Tensor, *, views: int, runs: int) -> Tensor:
        """Reshape `x` to `[V, runs, axes before C within a run, C, axes after C]`."""
        if self.channel_axis == 1:
            return x.reshape(views, runs, -1, x.shape[1], x.shape[2:].numel())
        return x.reshape(views, runs, -1, x.shape[-1], 1)

    def _batch_moments(self, x_VRSC: Tensor, *, run: int) -> _Moments:
        """Return moments for each run of this rank; all runs of a group share theirs."""
        var, mean = torch.var_mean(x_VRSC, dim=(2, 4), correction=0)
        own = _Moments(mean, var)
        runs = mean.shape[1]
        whole = runs * run * self.world.size
        group = self.group or whole
        values = x_VRSC.shape[2] * x_VRSC.shape[4] * group // run
        _need_several(values, group=group, whole=whole)
        if group == run:
            self._update_running(own, values=values, is_global=False)
            return own
        every = _Moments(*self.world.gather(torch.stack(own), axis=2))
        pooled = _pool(every, size=group // run)
        self._update_running(pooled, values=values, is_global=True)
        first = self.world.rank * runs
        return _Moments(
            *(m.repeat_interleave(group // run, dim=1).narrow(1, first, runs) for m in pooled)
        )

    @torch.no_grad()
    def _update_running(self, moments: _Moments, *, values: int, is_global: bool) -> None:
        """Move the running statistics towards the mean over all groups, once per view."""
        if not self.updates_statistics:
            return
        mean_VC, var_VC = (m.mean(dim=1) for m in moments)
        if not is_global:
            mean_VC, var_VC = self.world.mean(mean_VC), self.world.mean(var_VC)
        unbiased_VC = var_VC * (values / (values - 1))
        for mean_C, var_C in zip(mean_VC, unbiased_VC, strict=True):
            self.running_mean.lerp_(mean_C.to(self.running_mean.dtype), self.momentum)
            self.running_var.lerp_(var_C.to(self.running_var.dtype), self.momentum)


def _need_several(values: int, *, group: int, whole: int) -> None:
    """Check that a statistic is over several values; ValueError otherwise."""
    if whole % group or values == 1:
        raise ValueError(
            f"batch statistics over groups of {group} of {whole} samples: the group must "
            "divide the batch and contain more than one value per channel"
        )


def _pool(moments: _Moments, *, size: int) -> _Moments:
    """Return the moments of groups of `size` consecutive runs of equal length."""
    mean_VGRC, var_VGRC = (m.unflatten(1, (-1, size)) for m in moments)
    mean_VGC = mean_VGRC.mean(dim=2)
    between_VGC = (mean_VGRC - mean_VGC[:, :, None]).square().mean(dim=2)
    return _Moments(mean_VGC, var_VGRC.mean(dim=2) + between_VGC)


@contextmanager
def paused_statistics(module: nn.Module) -> Iterator[None]:
    """Context in which no `GatheredBatchNorm` in `module` updates its running statistics.

    For passes that recompute activations which an earlier pass already counted.
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
