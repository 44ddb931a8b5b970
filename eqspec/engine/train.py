"""The training loop, as a generator of events. It knows no file, no screen and no evaluation."""

from __future__ import annotations

import math
import time
from collections.abc import Container, Iterator
from contextlib import nullcontext
from importlib import import_module
from types import ModuleType

from torch import Tensor

from eqspec.build.optimizer import set_step
from eqspec.build.program import Program
from eqspec.engine.backward import Backward, backward
from eqspec.engine.events import Event, Paused, Stepped
from eqspec.engine.finite_check import NotFinite, blamed, need_finite_losses
from eqspec.engine.precision import precision_of
from eqspec.engine.teacher import follow
from eqspec.nn.world import World

NORMS_EVERY = 50
"""Steps between measurements of each term's gradient at the cut; the first step has one."""


SETTLED = 2
"""First steps of a process in which everything is compiled: one with norms, one without."""


def train(program: Program, *, start: int = 0, until: int | None = None) -> Iterator[Event]:
    """Trains from step `start`; yields `Stepped` after every step, `Paused` where planned.

    While it is paused the weights do not move: the caller may evaluate and save before it asks on.
    Of a compiled program, the first batch's loss is compared with the uncompiled one (`Agreed`).

    Args:
        start: steps that are already done.
        until: stop after this many steps in all; the plan's own length by default.

    Raises:
        NotFinite: when a loss or a gradient is no number; the weights have not been touched by it.
        EqspecError: when torch cannot compile, or compiles something else, or memory ends.
    """
    plan = program.plan
    last = plan.train.steps if until is None else min(until, plan.train.steps)
    pauses = {pause.step: pause for pause in plan.timetable}
    arriving = program.batches(start, last - start)
    compiler = _compiler(program)
    with compiler.watch_compilation() if compiler else nullcontext() as watch:
        for step in range(start, last):
            began = time.perf_counter()
            batch = next(arriving)
            waited = time.perf_counter() - began
            streams = program.streams(batch)
            if compiler and step == start:
                yield compiler.compare_with_eager(program, streams, step=step)
            metrics = _step(program, streams, step=step)
            yield Stepped(
                step=step + 1,
                metrics=metrics,
                seconds=time.perf_counter() - began,
                waited=waited,
                compiled=watch.taken() if watch else None,
                settled=step >= start + SETTLED,
            )
            if step + 1 in pauses:
                yield Paused(step=step + 1, pause=pauses[step + 1])
                if watch:
                    watch.taken()  # an evaluation may have compiled forms of its own


def _compiler(program: Program) -> ModuleType | None:
    """`eqspec.engine.compiling` for a program that is compiled; importing it takes a second."""
    return import_module("eqspec.engine.compiling") if program.compiled else None


def _step(program: Program, streams: dict[str, Tensor], *, step: int) -> dict[str, float]:
    """One optimizer step; returns what the recipe determines."""
    graph, plan, strategy = program.graph, program.plan, program.strategy
    graph.train()
    momenta = program.timeline.momenta(step)
    follow(graph, momenta, when="before-forward")
    program.optimizer.zero_grad(set_to_none=True)
    done = _backward(program, streams, step=step, norms=step % NORMS_EVERY == 0)
    losses = _losses(done, world=strategy.world)
    need_finite_losses(losses, step=step + 1)
    strategy.reduce(graph)
    norm = float(strategy.clip(graph, plan.train.clip))
    if not math.isfinite(norm):
        raise _blame(program, streams, terms=done.loss.terms, step=step)
    lr = program.timeline.lr(step)
    set_step(program.optimizer, step=step, lr=lr, weight_decay=program.timeline.weight_decay(step))
    program.optimizer.step()
    follow(graph, momenta, when="after-step")
    return {**losses, "lr": lr, "gradient": norm, **_cut(done, world=strategy.world)}


def _backward(program: Program, streams: dict[str, Tensor], *, step: int, norms: bool) -> Backward:
    with precision_of(program):
        return backward(
            program.graph,
            streams,
            program.controls(step),
            micro_batches=program.plan.machine.micro_batches,
            norms=norms,
        )


def _blame(
    program: Program, streams: dict[str, Tensor], *, terms: Container[str], step: int
) -> NotFinite:
    """The gradient of this batch again, term by term: every rank comes here, so none waits."""
    gradients = [(n, p.grad.clone()) for n, p in program.graph.trained() if p.grad is not None]
    program.optimizer.zero_grad(set_to_none=True)
    again = _backward(program, streams, step=step, norms=True)
    pulls = {n: v for n, v in _pulls(again, world=program.strategy.world).items() if n in terms}
    return NotFinite(blamed(pulls, gradients), step=step + 1)


def _losses(done: Backward, *, world: World) -> dict[str, float]:
    """The loss of the global batch and its terms."""
    values = {"loss": done.loss.total, **done.loss.terms}
    return {name: float(world.mean(value.detach())) for name, value in values.items()}


def _pulls(done: Backward, *, world: World) -> dict[str, float]:
    """Norms at the cut over all ranks, whose slopes are those of the mean loss times the ranks."""
    squares = {name: world.sum(norm.square()) for name, norm in done.cut_norms.items()}
    return {name: float(s.sqrt()) / world.size for name, s in squares.items()}


def _cut(done: Backward, *, world: World) -> dict[str, float]:
    """The norms as metrics, and how many times as hard as the method's own the added terms pull."""
    pulls = _pulls(done, world=world)
    found = {f"cut.{name}": norm for name, norm in pulls.items()}
    if pulls.get("method"):
        found["cut.ratio"] = pulls["added"] / pulls["method"]
    return found
