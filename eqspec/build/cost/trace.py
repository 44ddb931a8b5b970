"""Traces: parameters, operations and memory of a plan, from its modules on meta tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from eqspec.build.cost.cached import Line, Memory, Trace
from eqspec.build.cost.live_memory import FusedAttention, Live, size
from eqspec.build.graph.training_graph import Loss, TrainGraph, constant_controls
from eqspec.build.optimizer import build_optimizer
from eqspec.compile.graph.sample_groups import smallest_batch
from eqspec.compile.types.plan import Plan
from eqspec.nn.world import World
from eqspec.ops.op import StreamType

PROBE = 2
"""Samples of the smaller traced batch, or as many as the graph's groups ask for; the larger one is
the plan's own, and a line joins them."""

DTYPES = {"float": torch.float32, "int": torch.int64, "bool": torch.bool}


@dataclass(frozen=True, slots=True)
class _Operations:
    """Operations of the encoders, of the whole forward pass, and with the backward pass."""

    encode: int
    forward: int
    both: int


@dataclass(frozen=True, slots=True)
class _Alive:
    """Bytes that are alive in the phases of a step; see `Memory`."""

    inputs: int
    cut: int
    encode: int
    loss: int
    backward: int


def trace(plan: Plan) -> Trace:
    """Run the plan's graph forward and backward on meta tensors, without allocating memory."""
    with torch.device("meta"):
        graph = TrainGraph(plan.graph, world=World())
    if not plan.trains:
        return _forwards(graph, plan)
    probe = math.lcm(PROBE, smallest_batch(plan.graph))
    done = _operations(graph, plan, batch=probe)
    again = done.encode if plan.machine.micro_batches > 1 else 0
    trained = [p for _, p in graph.trained()]
    return Trace(
        parameters=_parameters(graph),
        frozen=sum(p.numel() for p in graph.teachers.parameters()),
        gflops_per_sample=done.forward / probe / 1e9,
        train_gflops_per_sample=(done.both + again) / probe / 1e9,
        memory=_memory(graph, plan, probe=probe, trained=size(trained)),
    )


def _memory(graph: TrainGraph, plan: Plan, *, probe: int, trained: int) -> Memory:
    """Return the phases of a step, exact for a small batch and for the plan's own."""
    larger = max(2, plan.train.batch // probe) * probe
    small, large = (_alive(graph, plan, batch=b) for b in (probe, larger))

    def line(of: Callable[[_Alive], int]) -> Line:
        return _line((probe, of(small)), (larger, of(large)))

    return Memory(
        weights=size(graph.state_dict().values()),
        gradients=trained,
        optimizer=_optimizer_state(plan, graph),
        inputs=line(lambda alive: alive.inputs),
        cut=line(lambda alive: alive.cut),
        encode=line(lambda alive: alive.encode),
        loss=line(lambda alive: alive.loss),
        backward=line(lambda alive: alive.backward),
    )


def _forwards(graph: TrainGraph, plan: Plan) -> Trace:
    """Return the cost of a plan without training: its encoder's forward pass."""
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
            inputs=_line((PROBE, inputs["small"]), (2 * PROBE, inputs["large"])),
            cut=nothing,
            encode=nothing,
            loss=nothing,
            backward=nothing,
        ),
    )


def _parameters(graph: TrainGraph) -> dict[str, int]:
    return {
        name: sum(p.numel() for p in module.parameters() if p.requires_grad)
        for name, module in graph.students.items()
    }


def _operations(graph: TrainGraph, plan: Plan, *, batch: int) -> _Operations:
    streams, controls = meta_streams(plan, batch=batch), _controls(plan)
    graph.zero_grad(set_to_none=True)
    with FusedAttention(), FlopCounterMode(display=False) as counter:
        cut = graph.encode(streams)
        encode = counter.get_total_flops()
        loss = graph.loss({**streams, **cut}, controls)
        forward = counter.get_total_flops()
        loss.total.backward()
    return _Operations(encode, forward, both=counter.get_total_flops())


def _alive(graph: TrainGraph, plan: Plan, *, batch: int) -> _Alive:
    """Carry out one step as `engine.backward` does, with one micro-batch and with norms."""
    streams, controls = meta_streams(plan, batch=batch), _controls(plan)
    graph.zero_grad(set_to_none=True)
    existing = [*streams.values(), *controls.values(), *graph.parameters(), *graph.buffers()]
    with FusedAttention(), Live(beside=existing) as live:
        cut = graph.encode(streams)
        kept = live.now
        students = [n.out for n in plan.graph.encode if plan.graph.is_trained(n)]
        leaves = {n: x.detach().requires_grad_(n in students) for n, x in cut.items()}
        live.mark()
        loss = graph.loss({**streams, **leaves}, controls)
        if students:
            _norms(loss, controls, leaves=[leaves[n] for n in students])
        loss.total.backward()
        loss_peak = live.peak - kept
        slopes = {n: leaf.grad for n in students if (leaf := leaves[n]).grad is not None}
        live.mark()
        if slopes:  # of frozen encoders there are none
            torch.autograd.backward([cut[n] for n in slopes], [slopes[n] for n in slopes])
        backward = live.peak
    graph.zero_grad(set_to_none=True)
    return _Alive(
        inputs=size(streams.values()),
        cut=size(cut.values()),
        encode=kept,
        loss=loss_peak,
        backward=backward,
    )


def _norms(loss: Loss, controls: Mapping[str, Tensor], *, leaves: list[Tensor]) -> None:
    """Compute each term's gradient norm at the cut, as the first step does."""
    other = [torch.zeros_like(x) for x in leaves]  # gradient sum of the rewrite's terms
    sums = [torch.zeros_like(x) for x in leaves]
    for name, value in loss.terms.items():
        slopes = torch.autograd.grad(value, leaves, retain_graph=True, allow_unused=True)
        weight = controls[f"{name}.weight"]
        pulls = [
            torch.zeros_like(x) if s is None else s * weight
            for s, x in zip(slopes, leaves, strict=True)
        ]
        sums = [a + b for a, b in zip(sums, pulls, strict=True)]
    del other


def _controls(plan: Plan) -> dict[str, Tensor]:
    return {n: c.to("meta") for n, c in constant_controls(plan.graph).items()}


def _line(small: tuple[int, float], large: tuple[int, float]) -> Line:
    """Return the line through two points: a number of samples and its cost."""
    each = (large[1] - small[1]) / (large[0] - small[0])
    return Line(fixed=max(0.0, small[1] - small[0] * each), each=each)


def _optimizer_state(plan: Plan, graph: nn.Module) -> int:
    """Return the bytes of the optimizer's state after the first step."""
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
    """Return every input stream of the graph as a meta tensor."""
    computed = {node.out for node in (*plan.graph.encode, *plan.graph.loss)}
    return {
        name: _meta(kind, batch=batch)
        for name, kind in plan.graph.streams.items()
        if name not in computed
    }


def _meta(kind: StreamType, *, batch: int) -> Tensor:
    return torch.empty(kind.shape(batch=batch), dtype=DTYPES[kind.dtype], device="meta")
