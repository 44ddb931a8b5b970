"""Teachers: exponential moving averages of their students."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from eqspec.build.graph.training_graph import TrainGraph


@torch.no_grad()
def follow(graph: TrainGraph, momenta: Mapping[str, float], *, when: str) -> None:
    """Update every teacher that is due at this moment: θ_t ← m·θ_t + (1 − m)·θ_s.

    Args:
        momenta: teacher → m at this step.
        when: ``after-step`` or ``before-forward``.
    """
    for plan in graph.plan.teachers:
        if plan.update != when:
            continue
        m = momenta[plan.name]
        for module, copy in graph.copies(plan.name).items():
            source = dict(graph.students[module].named_parameters())
            for name, parameter in copy.named_parameters():
                parameter.lerp_(source[name].to(parameter.dtype), 1.0 - m)
            if plan.buffers == "copied":
                values = dict(graph.students[module].named_buffers())
                for name, buffer in copy.named_buffers():
                    buffer.copy_(values[name])
