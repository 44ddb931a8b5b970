"""Traces: parameters, operations and memory of a plan, from its modules on fake tensors."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch.utils.flop_counter import (
    FlopCounterMode,
    sdpa_backward_flop_count,
    sdpa_flop_count,
)

from eqspec.build.cost.cached import Trace
from eqspec.build.cost.fake_graph import FakeGraph, fake_graph
from eqspec.build.cost.step_memory import Phase, forward_memory, step_memory
from eqspec.compile.graph.sample_groups import smallest_batch
from eqspec.compile.types.plan import Plan

PROBE = 2
"""Samples of the smaller traced batch, or as many as the graph's groups ask for; the larger one is
the plan's own, and a line joins them."""

Shape = Sequence[int]


def trace(plan: Plan) -> Trace:
    """Run the plan's graph forward and backward on fake tensors, without allocating memory."""
    fake = fake_graph(plan)
    if not plan.trains:
        return _forwards(fake)
    probe = math.lcm(PROBE, smallest_batch(plan.graph))
    flops: Counter[str] = Counter()

    @contextmanager
    def counted(phase: Phase) -> Iterator[None]:
        with _counter() as counter:
            yield
        flops[phase] += counter.get_total_flops()

    memory = step_memory(fake, probe=probe, counted=counted)
    forward = flops["encode"] + flops["loss"]
    again = flops["encode"] if plan.machine.micro_batches > 1 else 0
    return Trace(
        parameters=_parameters(fake),
        frozen=sum(p.numel() for p in fake.graph.teachers.parameters()),
        gflops_per_sample=forward / probe / 1e9,
        train_gflops_per_sample=(forward + flops["backward"] + again) / probe / 1e9,
        memory=memory,
    )


def _forwards(fake: FakeGraph) -> Trace:
    """Return the cost of a plan without training: its encoder's forward pass."""
    streams = fake.streams(batch=PROBE)
    with fake.mode, torch.no_grad(), _counter() as counter:
        fake.graph.encode(streams)
    return Trace(
        parameters=_parameters(fake),
        frozen=0,
        gflops_per_sample=counter.get_total_flops() / PROBE / 1e9,
        train_gflops_per_sample=0.0,
        memory=forward_memory(fake, probe=PROBE),
    )


def _parameters(fake: FakeGraph) -> dict[str, int]:
    return {
        name: sum(p.numel() for p in module.parameters() if p.requires_grad)
        for name, module in fake.graph.students.items()
    }


def _counter() -> FlopCounterMode:
    """Return torch's counter of operations, with the CPU's attention, which it does not know."""
    attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu  # noqa: SLF001
    backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward  # noqa: SLF001
    return FlopCounterMode(
        display=False, custom_mapping={attention: _attention, backward: _attention_backward}
    )


def _attention(query: Shape, key: Shape, value: Shape, *_: object, **__: object) -> int:
    return sdpa_flop_count(query, key, value)


def _attention_backward(  # noqa: PLR0917 - the operator's signature
    slope: Shape, query: Shape, key: Shape, value: Shape, *_: object, **__: object
) -> int:
    return sdpa_backward_flop_count(slope, query, key, value)
