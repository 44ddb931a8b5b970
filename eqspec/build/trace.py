"""Plan → trace: parameters and operations, from the real modules on meta tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from eqspec.build.graph import TrainGraph, constant_controls
from eqspec.compile.plan import Plan
from eqspec.nn.world import World
from eqspec.ops.op import StreamType

PROBE = 2
"""Samples of the traced batch; operations grow in proportion to the batch but for the terms."""

DTYPES = {"float": torch.float32, "int": torch.int64, "bool": torch.bool}


@dataclass(frozen=True, slots=True)
class Trace:
    """What a plan costs before anything is allocated.

    Attributes:
        parameters: module → number of trained parameters.
        frozen: number of parameters that teachers hold.
        gflops_per_sample: forward pass, encoders and judge.
        weights_bytes: weights, gradients, optimizer moments and teachers, in float32.
    """

    parameters: dict[str, int]
    frozen: int
    gflops_per_sample: float
    weights_bytes: int

    @property
    def trained(self) -> int:
        """Trained parameters in all."""
        return sum(self.parameters.values())


def trace(plan: Plan) -> Trace:
    """Runs the plan's graph once on meta tensors; allocates nothing."""
    with torch.device("meta"):
        graph = TrainGraph(plan.graph, world=World())
    streams = meta_streams(plan, batch=PROBE)
    with FlopCounterMode(display=False) as counter:
        graph(streams, {n: c.to("meta") for n, c in constant_controls(plan.graph).items()})
    parameters = {
        name: sum(p.numel() for p in module.parameters() if p.requires_grad)
        for name, module in graph.students.items()
    }
    frozen = sum(p.numel() for p in graph.teachers.parameters())
    return Trace(
        parameters=parameters,
        frozen=frozen,
        gflops_per_sample=counter.get_total_flops() / PROBE / 1e9,
        weights_bytes=4 * (4 * sum(parameters.values()) + frozen),
    )


def meta_streams(plan: Plan, *, batch: int) -> dict[str, Tensor]:
    """Every input stream of the graph as a meta tensor."""
    made = {node.out for node in (*plan.graph.encode, *plan.graph.judge)}
    return {
        name: _meta(kind, batch=batch)
        for name, kind in plan.graph.streams.items()
        if name not in made
    }


def _meta(kind: StreamType, *, batch: int) -> Tensor:
    return torch.empty(kind.shape(batch=batch), dtype=DTYPES[kind.dtype], device="meta")
