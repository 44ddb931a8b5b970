"""Memory of a training step, from its modules on fake tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from eqspec.build.cost.cached import Line, Memory
from eqspec.build.cost.fake_graph import FakeGraph
from eqspec.build.cost.live_memory import Live, size
from eqspec.build.graph.training_graph import Loss
from eqspec.build.optimizer import build_optimizer

Phase = Literal["encode", "loss", "backward"]

Count = Callable[[Phase], AbstractContextManager[object]]
"""Returns a context that counts the operations of a phase; the norms belong to none."""


@dataclass(frozen=True, slots=True)
class _Alive:
    """Bytes that are alive in the phases of a step; see `Memory`."""

    inputs: int
    cut: int
    encode: int
    loss: int
    backward: int


def step_memory(fake: FakeGraph, *, probe: int, counted: Count) -> Memory:
    """Return the phases of a step, exact for a small batch and for the plan's own.

    Args:
        probe: samples of the small batch.
        counted: counts the operations of the small batch.
    """
    larger = max(2, fake.plan.train.batch // probe) * probe
    small = _alive(fake, batch=probe, counted=counted)
    large = _alive(fake, batch=larger)

    def line(of: Callable[[_Alive], int]) -> Line:
        return line_through((probe, of(small)), (larger, of(large)))

    return Memory(
        weights=size(fake.graph.state_dict().values()),
        gradients=size(p for _, p in fake.graph.trained()),
        optimizer=optimizer_state(fake),
        inputs=line(lambda alive: alive.inputs),
        cut=line(lambda alive: alive.cut),
        encode=line(lambda alive: alive.encode),
        loss=line(lambda alive: alive.loss),
        backward=line(lambda alive: alive.backward),
    )


def forward_memory(fake: FakeGraph, *, probe: int) -> Memory:
    """Return the memory of a plan without training: its weights and the images of a batch."""
    inputs = {n: size(fake.streams(batch=n).values()) for n in (probe, 2 * probe)}
    nothing = Line(0.0, 0.0)
    return Memory(
        weights=size(fake.graph.state_dict().values()),
        gradients=0,
        optimizer=0,
        inputs=line_through(*inputs.items()),
        cut=nothing,
        encode=nothing,
        loss=nothing,
        backward=nothing,
    )


def line_through(small: tuple[int, float], large: tuple[int, float]) -> Line:
    """Return the line through two points: a number of samples and its cost."""
    each = (large[1] - small[1]) / (large[0] - small[0])
    return Line(fixed=max(0.0, small[1] - small[0] * each), each=each)


def _alive(fake: FakeGraph, *, batch: int, counted: Count | None = None) -> _Alive:
    """Carry out one step as `engine.backward` does, with one micro-batch and with norms."""
    counted = counted or (lambda _: nullcontext())
    streams, controls = fake.streams(batch=batch), fake.controls()
    graph = fake.graph
    graph.zero_grad(set_to_none=True)
    existing = [*streams.values(), *controls.values(), *graph.parameters(), *graph.buffers()]
    with fake.precision(), Live(beside=existing) as live:
        with counted("encode"):
            cut = graph.encode(streams)
        kept = live.now
        students = [n.out for n in fake.plan.graph.encode if fake.plan.graph.is_trained(n)]
        leaves = {n: x.detach().requires_grad_(n in students) for n, x in cut.items()}
        live.mark()
        with counted("loss"):
            loss = graph.loss({**streams, **leaves}, controls)
        if students:
            _norms(loss, controls, leaves=[leaves[n] for n in students])
        with counted("backward"):
            loss.total.backward()
        loss_peak = live.peak - kept
        slopes = {n: leaf.grad for n in students if (leaf := leaves[n]).grad is not None}
        live.mark()
        if slopes:  # of frozen encoders there are none
            with counted("backward"):
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


def optimizer_state(fake: FakeGraph) -> int:
    """Return the bytes of the optimizer's state after the first step.

    A step is taken with one parameter of each shape in each of the optimizer's groups.
    """
    with fake.mode:
        optimizer = build_optimizer(fake.plan, fake.graph.trained())
        alike: dict[nn.Parameter, int] = {}
        for group in optimizer.param_groups:
            shapes = Counter(p.shape for p in group["params"])
            group["params"] = list({p.shape: p for p in group["params"]}.values())
            group["fused"] = False  # fused kernels refuse tensors without data; the state is equal
            for parameter in group["params"]:
                parameter.grad = torch.empty_like(parameter)
                alike[parameter] = shapes[parameter.shape]
        optimizer.step()
    return sum(
        count * size(value for value in optimizer.state[p].values() if isinstance(value, Tensor))
        for p, count in alike.items()
    )
