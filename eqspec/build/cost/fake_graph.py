"""A plan's training graph on fake tensors: a CPU's shapes, types and operations, without data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from eqspec.build.graph.training_graph import TrainGraph, constant_controls
from eqspec.compile.types.plan import Plan
from eqspec.nn.world import World
from eqspec.ops.op import StreamType

DTYPES = {"float": torch.float32, "int": torch.int64, "bool": torch.bool}


@dataclass(frozen=True, slots=True)
class FakeGraph:
    """Training graph of a plan, whose tensors have no data.

    Fake tensors take the same kernels as a CPU's, so attention is fused and autocast applies, which
    meta tensors do not have.

    Attributes:
        mode: in which all its tensors live.
        graph: the modules.
    """

    plan: Plan
    mode: FakeTensorMode
    graph: TrainGraph

    @contextmanager
    def precision(self) -> Iterator[None]:
        """Compute in the plan's precision, as `engine.precision` does."""
        low = self.plan.train.precision == "bf16"
        with self.mode, torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
            yield

    def streams(self, *, batch: int) -> dict[str, Tensor]:
        """Return every input stream of the graph for a number of samples."""
        with self.mode:
            return input_streams(self.plan, batch=batch)

    def controls(self) -> dict[str, Tensor]:
        """Return the scheduled values of the terms."""
        with self.mode:
            return {n: torch.empty_like(c) for n, c in constant_controls(self.plan.graph).items()}


def fake_graph(plan: Plan) -> FakeGraph:
    """Build the graph of a plan on fake tensors."""
    mode = FakeTensorMode()
    with mode, torch.device("cpu"):
        return FakeGraph(plan, mode, TrainGraph(plan.graph, world=World()))


def input_streams(plan: Plan, *, batch: int) -> dict[str, Tensor]:
    """Return every input stream of the graph as a tensor without values on the default device."""
    computed = {node.out for node in (*plan.graph.encode, *plan.graph.loss)}
    return {
        name: _empty(kind, batch=batch)
        for name, kind in plan.graph.streams.items()
        if name not in computed
    }


def _empty(kind: StreamType, *, batch: int) -> Tensor:
    return torch.empty(kind.shape(batch=batch), dtype=DTYPES[kind.dtype])
