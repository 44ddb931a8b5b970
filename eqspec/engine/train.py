"""The training loop, as a generator of events. It knows no file, no screen and no evaluation."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from eqspec.build.optimizer import set_step
from eqspec.build.parallel import average_gradients
from eqspec.build.program import Program
from eqspec.engine.backward import Backward, backward
from eqspec.engine.clip import clip_gradients
from eqspec.engine.events import Event, Paused, Stepped
from eqspec.engine.teacher import follow
from eqspec.errors import EqspecError
from eqspec.nn.world import World

NORMS_EVERY = 50
"""Steps between measurements of each term's gradient at the cut; the first step has one."""


class NotFinite(EqspecError):
    """A term became infinite or NaN; the weights have not been touched by that step."""

    def __init__(self, term: str, *, step: int, value: float) -> None:
        super().__init__(
            f"the term `{term}` is {value} at step {step}",
            help="the last checkpoint is intact; try a smaller learning rate or lambda",
        )


def train(program: Program, *, start: int = 0, until: int | None = None) -> Iterator[Event]:
    """Trains from step `start`; yields `Stepped` after every step, `Paused` where planned.

    While it is paused the weights do not move: the caller may evaluate and save before it asks on.

    Args:
        start: steps that are already done.
        until: stop after this many steps in all; the plan's own length by default.

    Raises:
        NotFinite: when a term of the loss is no number.
    """
    plan = program.plan
    last = plan.train.steps if until is None else min(until, plan.train.steps)
    pauses = {pause.step: pause for pause in plan.timetable}
    arriving = program.batches(start, last - start)
    for step in range(start, last):
        began = time.perf_counter()
        batch = next(arriving)
        waited = time.perf_counter() - began
        metrics = _step(program, program.streams(batch), step=step)
        yield Stepped(
            step=step + 1, metrics=metrics, seconds=time.perf_counter() - began, waited=waited
        )
        if step + 1 in pauses:
            yield Paused(step=step + 1, pause=pauses[step + 1])


def _step(program: Program, streams: dict[str, Tensor], *, step: int) -> dict[str, float]:
    """One optimizer step; returns what the recipe determines."""
    graph, plan = program.graph, program.plan
    graph.train()
    momenta = program.timeline.momenta(step)
    follow(graph, momenta, when="before-forward")
    program.optimizer.zero_grad(set_to_none=True)
    with torch.autocast(
        program.device.type, dtype=torch.bfloat16, enabled=plan.train.precision == "bf16"
    ):
        done = backward(
            graph,
            streams,
            program.controls(step),
            micro_batches=plan.machine.micro_batches,
            norms=step % NORMS_EVERY == 0,
        )
    losses = _losses(done, world=program.world)
    _refuse_nan(losses, step=step + 1)
    named = list(graph.trained())
    average_gradients((p for _, p in named), world=program.world)
    norm = clip_gradients(named, plan.train.clip)
    lr = program.timeline.lr(step)
    set_step(program.optimizer, step=step, lr=lr, weight_decay=program.timeline.weight_decay(step))
    program.optimizer.step()
    follow(graph, momenta, when="after-step")
    pulls = _pulls(done, world=program.world)
    return {**losses, "lr": lr, "gradient": float(norm), **pulls}


def _losses(done: Backward, *, world: World) -> dict[str, float]:
    """The loss of the global batch and its terms."""
    values = {"loss": done.loss.total, **done.loss.terms}
    return {name: float(world.mean(value.detach())) for name, value in values.items()}


def _refuse_nan(losses: dict[str, float], *, step: int) -> None:
    """All ranks see the same values, so that all of them stop."""
    for name, value in losses.items():
        if name != "loss" and not math.isfinite(value):
            raise NotFinite(name, step=step, value=value)


def _pulls(done: Backward, *, world: World) -> dict[str, float]:
    """Norms at the cut over all ranks, whose slopes are those of the mean loss times the ranks."""
    squares = {name: world.sum(norm.square()) for name, norm in done.cut_norms.items()}
    return {f"cut.{name}": float(s.sqrt()) / world.size for name, s in squares.items()}
