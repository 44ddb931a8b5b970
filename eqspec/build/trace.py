"""Plan → trace: parameters, operations and memory, from the real modules on meta tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

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
class Line:
    """A quantity that grows with the number of samples: ``fixed + samples · each``."""

    fixed: float
    each: float

    def at(self, samples: float) -> float:
        """Its value for so many samples."""
        return self.fixed + samples * self.each


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that a training step holds, in float32.

    An estimate: what autograd keeps for the backward pass is counted, tensor by tensor, with
    attention as fused kernels do it. Not counted are a kernel's own workspace, fragmentation,
    gathered copies of other ranks' samples, the loader's processes and torch itself. On a CPU, the
    quickstart's process grew by 133 and 214 MiB in three steps of 64 (base, with reconstruction)
    and by 426 MiB in three of 256 (base), where this says 90, 145 and 308.

    Attributes:
        weights: of students, teachers and the state of terms.
        gradients: one number per trained parameter.
        optimizer: its state after the first step.
        inputs: the streams that a batch is made of.
        encode: what the encoders keep for the backward pass.
        judge: what heads, decoders and terms keep.
    """

    weights: int
    gradients: int
    optimizer: int
    inputs: Line
    encode: Line
    judge: Line

    def peak(self, samples: float, *, micro_batches: int = 1, precision: str = "fp32") -> float:
        """Bytes on one device.

        Args:
            samples: of the device's share of the batch.
            micro_batches: pieces in which that share is encoded.
            precision: under bf16 the encoders keep half as much.
        """
        share = 0.5 if precision == "bf16" else 1.0
        fixed = self.weights + self.gradients + self.optimizer
        encoded = share * self.encode.at(samples / micro_batches)
        return fixed + self.inputs.at(samples) + encoded + self.judge.at(samples)

    @property
    def checkpoint(self) -> int:
        """Bytes of one checkpoint."""
        return self.weights + self.optimizer


@dataclass(frozen=True, slots=True)
class Trace:
    """What a plan costs before anything is allocated.

    Attributes:
        parameters: module → number of trained parameters; of the encoder alone where nothing is
            trained.
        frozen: number of parameters that teachers hold.
        gflops_per_sample: forward pass, encoders and judge.
        train_gflops_per_sample: forward and backward; with more than one micro-batch also the
            encoders' second forward pass.
        memory: of a training step.
    """

    parameters: dict[str, int]
    frozen: int
    gflops_per_sample: float
    train_gflops_per_sample: float
    memory: Memory

    @property
    def trained(self) -> int:
        """Trained parameters in all."""
        return sum(self.parameters.values())


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
