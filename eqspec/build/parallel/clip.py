"""Gradient clipping over each parameter, each module, or everything."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from eqspec.compile.types.plan import ClipPlan
from eqspec.nn.precision import at_least_fp32


def clip_gradients(named: Iterable[tuple[str, nn.Parameter]], clip: ClipPlan | None) -> Tensor:
    """Scale gradients down to the plan's norm; return the global norm before."""
    with_gradient = [(n, p) for n, p in named if p.grad is not None]
    norms = torch.stack([_norm(p) for _, p in with_gradient])
    total = norms.square().sum().sqrt()
    if clip is None:
        return total
    scales: dict[str, Tensor] = {}
    for at, (name, _) in enumerate(with_gradient):
        group = _group(name, clip)
        scales[group] = scales.get(group, torch.zeros_like(total)) + norms[at].square()
    for name, p in with_gradient:
        factor = (clip.norm / (scales[_group(name, clip)].sqrt() + 1e-6)).clamp(max=1.0)
        assert p.grad is not None, "chosen above"
        p.grad.mul_(factor)
    return total


def _norm(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None, "chosen above"
    return at_least_fp32(parameter.grad).norm()


def _group(name: str, clip: ClipPlan) -> str:
    match clip.over:
        case "parameter":
            return name
        case "module":
            module = name.partition(".")[0]
            return next((one[0] for one in clip.joined if module in one), module)
        case _:
            return ""
