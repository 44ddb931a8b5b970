"""Programs on synthetic images, not compiled unless asked for, and their results step by step."""

from __future__ import annotations

from eqspec.build.program import Program, build_program
from eqspec.compile.types.plan import Plan
from eqspec.engine.events import Stepped
from eqspec.engine.train import train
from tests.fakes import FakeImages

IMAGES = 20


def program_of(plan: Plan, *, device: str = "cpu", compile: str = "off") -> Program:  # noqa: A002 - the field's name
    """The program of a plan on a dataset of 20."""
    steps = plan.train.model_copy(update={"steps_per_epoch": IMAGES // plan.train.batch})
    machine = plan.machine.model_copy(update={"compile": compile, "device": device})
    plan = plan.model_copy(update={"train": steps, "machine": machine})
    return build_program(plan, dataset=FakeImages(count=IMAGES))


def stepped(program: Program, *, start: int = 0, until: int | None = None) -> list[Stepped]:
    """The steps of a training."""
    return [e for e in train(program, start=start, until=until) if isinstance(e, Stepped)]
