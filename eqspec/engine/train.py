"""The training loop, as a generator of events."""

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
from eqspec.engine.determinism import deterministic_kernels
from eqspec.engine.events import Event, Paused, Stepped
from eqspec.engine.finite_check import NotFinite, need_finite_losses, origin_of
from eqspec.engine.precision import precision_of
from eqspec.engine.teacher import follow
from eqspec.nn.world import World

NORMS_EVERY = 50
"""Steps between measurements of each term's gradient at the cut; the first step has one."""


SETTLED = 2
"""First steps of a process, in which everything is compiled: one with norms, one without."""


def train(program: Program, *, start: int = 0, until: int | None = None) -> Iterator[Event]:
    """Train from step `start`; yield `Stepped` after every step and `Paused` where planned.

    Between two events the weights do not change: the caller may evaluate and save. The first loss
    of a compiled program is compared with the uncompiled one (`Agreed`).

    Args:
        start: steps already done.
        until: stop after this many steps in all; by default, the plan's length.

    Raises:
        NotFinite: a loss or a gradient is not finite; the weights are those of the step before.
        EqspecError: torch cannot compile, compiled code gives another loss, or memory is exhausted.
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
            with deterministic_kernels(program.device):
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
    """Return `eqspec.engine.compiling` for a compiled program; importing it takes a second."""
    return import_module("eqspec.engine.compiling") if program.compiled else None


def _step(program: Program, streams: dict[str, Tensor], *, step: int) -> dict[str, float]:
    """Take one optimizer step; return its metrics."""
    graph, plan, strategy = program.graph, program.plan, program.strategy
    graph.train()
    momenta = program.timeline.momenta(step)
    follow(graph, momenta, when="before-forward")
    program.optimizer.zero_grad(set_to_none=True)
    done = _backward(program, streams, step=step, norms=step % NORMS_EVERY == 0)
    losses = _losses(done, world=strategy.world)
    need_finite_losses(losses, step=step + 1)
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
            parts=program.parts,
            micro_batches=program.plan.machine.micro_batches,
            norms=norms,
        )


def _blame(
    program: Program, streams: dict[str, Tensor], *, terms: Container[str], step: int
) -> NotFinite:
    """Compute the gradient again, term by term, to find its origin; every rank does."""
    gradients = [(n, p.grad.clone()) for n, p in program.graph.trained() if p.grad is not None]
    program.optimizer.zero_grad(set_to_none=True)
    again = _backward(program, streams, step=step, norms=True)
    pulls = {n: v for n, v in _pulls(again, world=program.strategy.world).items() if n in terms}
    return NotFinite(origin_of(pulls, gradients), step=step + 1)


def _losses(done: Backward, *, world: World) -> dict[str, float]:
    """Return the loss of the global batch and its terms."""
    values = {"loss": done.loss.total, **done.loss.terms}
    return {name: float(world.mean(value.detach())) for name, value in values.items()}


def _pulls(done: Backward, *, world: World) -> dict[str, float]:
    """Return norms at the cut over all ranks; slopes are those of the mean loss times the ranks."""
    squares = {name: world.sum(norm.square()) for name, norm in done.cut_norms.items()}
    return {name: float(s.sqrt()) / world.size for name, s in squares.items()}


def _cut(done: Backward, *, world: World) -> dict[str, float]:
    """Return the norms as metrics, with the ratio of the added terms' norm to the method's own."""
    pulls = _pulls(done, world=world)
    found = {f"cut.{name}": norm for name, norm in pulls.items()}
    if pulls.get("method"):
        found["cut.ratio"] = pulls["added"] / pulls["method"]
    return found
