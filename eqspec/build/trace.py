"""Plan → trace: parameters, operations and memory, from the real modules on meta tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from eqspec.build.cost import Line, Memory, Trace
from eqspec.build.graph import TrainGraph, constant_controls
from eqspec.build.kept import FusedAttention, Kept, size
from eqspec.build.optimizer import build_optimizer
from eqspec.compile.pieces import smallest_batch
from eqspec.compile.plan import Plan
from eqspec.nn.world import World
from eqspec.ops.op import StreamType

PROBE = 2
"""Samples of the smaller traced batch, or as many as the graph's groups ask for; the larger one has
twice as many, and a line joins them."""

DTYPES = {"float": torch.float32, "int": torch.int64, "bool": torch.bool}


@dataclass(frozen=True, slots=True)
class _Pass:
    """One forward and backward pass: operations, and bytes kept between the two."""

    encode: int
    forward: int
    both: int
    kept_encode: int
    kept_judge: int
    inputs: int


def trace(plan: Plan) -> Trace:
    """Runs the plan's graph forwards and backwards on meta tensors; allocates nothing."""
    with torch.device("meta"):
        graph = TrainGraph(plan.graph, world=World())
    if not plan.trains:
        return _forwards(graph, plan)
    probe = math.lcm(PROBE, smallest_batch(plan.graph))
    small, large = (_passed(graph, plan, batch=b) for b in (probe, 2 * probe))
    again = small.encode if plan.machine.micro_batches > 1 else 0
    trained = [p for _, p in graph.trained()]
    return Trace(
        parameters=_parameters(graph),
        frozen=sum(p.numel() for p in graph.teachers.parameters()),
        gflops_per_sample=small.forward / probe / 1e9,
        train_gflops_per_sample=(small.both + again) / probe / 1e9,
        memory=Memory(
            weights=size(graph.state_dict().values()),
            gradients=size(trained),
            optimizer=_optimizer_state(plan, graph),
            inputs=_line(small.inputs, large.inputs, probe=probe),
            encode=_line(small.kept_encode, large.kept_encode, probe=probe),
            judge=_line(small.kept_judge, large.kept_judge, probe=probe),
        ),
    )


def _forwards(graph: TrainGraph, plan: Plan) -> Trace:
    """Of a plan that trains nothing: images go through its encoder, and nothing is kept."""
    streams = {n: meta_streams(plan, batch=b) for n, b in (("small", PROBE), ("large", 2 * PROBE))}
    with torch.no_grad(), FusedAttention(), FlopCounterMode(display=False) as counter:
        graph.encode(streams["small"])
    inputs = {n: size(s.values()) for n, s in streams.items()}
    nothing = Line(0.0, 0.0)
    return Trace(
        parameters=_parameters(graph),
        frozen=0,
        gflops_per_sample=counter.get_total_flops() / PROBE / 1e9,
        train_gflops_per_sample=0.0,
        memory=Memory(
            weights=size(graph.state_dict().values()),
            gradients=0,
            optimizer=0,
            inputs=_line(inputs["small"], inputs["large"], probe=PROBE),
            encode=nothing,
            judge=nothing,
        ),
    )


def _parameters(graph: TrainGraph) -> dict[str, int]:
    return {
        name: sum(p.numel() for p in module.parameters() if p.requires_grad)
        for name, module in graph.students.items()
    }


def _passed(graph: TrainGraph, plan: Plan, *, batch: int) -> _Pass:
    streams = meta_streams(plan, batch=batch)
    controls = {n: c.to("meta") for n, c in constant_controls(plan.graph).items()}
    held = [*streams.values(), *controls.values(), *graph.parameters(), *graph.buffers()]
    graph.zero_grad(set_to_none=True)
    with FusedAttention(), FlopCounterMode(display=False) as counter:
        with Kept(beside=held) as encoded:
            cut = graph.encode(streams)
        encode = counter.get_total_flops()
        with Kept(beside=[*held, *encoded.tensors]) as judged:
            loss = graph.judge({**streams, **cut}, controls)
        forward = counter.get_total_flops()
        loss.total.backward()
        both = counter.get_total_flops()
    return _Pass(
        encode=encode,
        forward=forward,
        both=both,
        kept_encode=encoded.bytes,
        kept_judge=judged.bytes,
        inputs=size(streams.values()),
    )


def _line(small: float, large: float, *, probe: int) -> Line:
    each = (large - small) / probe
    return Line(fixed=max(0.0, small - probe * each), each=each)


def _optimizer_state(plan: Plan, graph: nn.Module) -> int:
    """Bytes of the optimizer's state once every parameter has moved."""
    assert isinstance(graph, TrainGraph), "traced as one"
    for _, parameter in graph.trained():
        parameter.grad = torch.empty_like(parameter)
    optimizer = build_optimizer(plan, graph.trained())
    for group in optimizer.param_groups:
        group["fused"] = False  # fused kernels refuse meta tensors; the state is the same
    optimizer.step()
    states = (value for state in optimizer.state.values() for value in state.values())
    return size(value for value in states if isinstance(value, Tensor))


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
