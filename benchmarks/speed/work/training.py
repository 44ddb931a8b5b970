"""Training steps of eqspec, as `eqspec run` takes them, and the specs that they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.speed.case import Facts, Setting, Work
from benchmarks.speed.work.pictures import pictures

WARM_UP = 2
"""Turns of eqspec that are not counted: both forms of the loss are compiled in the first steps."""


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a training.

    Attributes:
        image: side of a view in pixels.
        batch: images per step.
        images: on disk.
        steps: of a turn.
    """

    image: int
    batch: int
    images: int
    steps: int = 1


def machine(setting: Setting) -> str:
    """Return the `machine:` of a spec: as it comes, or uncompiled where little time is spent.

    Compiling takes a minute or two on two cores.
    """
    compiled = setting.device == "cuda" or setting.scale == "full"
    return "" if compiled else 'machine: {compile: "off"}\n'


def spec_file(text: str, *, folder: Path, name: str) -> Path:
    """Write a spec; return its path."""
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def plan_of(spec: Path, *, data: Path | None):  # noqa: ANN201 - eqspec's plan
    """Compile a spec.

    Args:
        data: folder of its images; None for a dataset that needs none.
    """
    from eqspec.commands.planning.data_locations import DataLocations
    from eqspec.commands.planning.plans import plan_spec

    return plan_spec(spec, data=DataLocations(own=data)).plan


def program_of(spec: Path, *, data: Path | None):  # noqa: ANN201 - eqspec's program
    """Build the program of a spec, with its data open."""
    from eqspec.build.program import build_program
    from eqspec.commands.planning.data_locations import DataLocations
    from eqspec.commands.running.run_data import open_data

    plan = plan_of(spec, data=data)
    opened = open_data(plan, locations=DataLocations(own=data))
    return build_program(plan, dataset=opened.own.train)


def training(
    text: str, *, name: str, size: Size, constant: bool = False
) -> Callable[[Setting], Work]:
    """Return the preparation of a training by eqspec on JPEG files.

    Args:
        text: of the spec.
        name: of the spec's file.
        constant: read one batch, and train on it at every step.
    """

    def prepare(setting: Setting) -> Work:
        data = pictures(setting.folder / "pictures", count=size.images)
        program = program_of(spec_file(text, folder=setting.folder, name=name), data=data)
        steps = steps_of(with_constant_batch(program) if constant else program)
        return Work(
            turn=lambda: _turn(steps, count=size.steps), facts=operations(program.plan, size=size)
        )

    return prepare


def with_constant_batch(program):  # noqa: ANN001, ANN201 - eqspec's program
    """Return a program that reads its first batch only; its views are drawn again at every step."""
    batch = next(program.batches(0, 1))

    def batches(start: int, steps: int) -> Iterator:
        return (replace(batch, step=step) for step in range(start, start + steps))

    return replace(program, batches=batches)


def steps_of(program) -> Iterator:  # noqa: ANN001 - eqspec's program
    """Return the steps of a training, as eqspec's engine reports them."""
    from eqspec.engine.events import Stepped
    from eqspec.engine.train import train

    return (event for event in train(program) if isinstance(event, Stepped))


def _turn(steps: Iterator, *, count: int) -> Facts:
    taken = [next(steps) for _ in range(count)]
    return {
        "loss": taken[-1].metrics["loss"],
        "waited": sum(step.waited for step in taken),
        "step": sum(step.seconds for step in taken) / count,
    }


def operations(plan, *, size: Size) -> Facts:  # noqa: ANN001 - eqspec's plan
    """Return the operations of a turn and the number of trained parameters."""
    from eqspec.commands.planning.traced_cost import traced

    trace = traced(plan, cache=None)
    return {
        "operations": trace.train_gflops_per_sample * 1e9 * plan.train.batch * size.steps,
        "parameters": float(sum(trace.parameters.values())),
    }
