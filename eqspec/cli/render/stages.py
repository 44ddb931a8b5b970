"""Trainings and evaluations as rows, with marks for new, complete and partial ones."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from rich.text import Text

from eqspec.cli.render.graph import Row
from eqspec.commands.plan import Described, Planning
from eqspec.commands.planning.stages import TRAIN, WEIGHTS, Mark, Stage
from eqspec.report.numbers import number
from eqspec.spec.phrases import counted

_STYLES = MappingProxyType({Mark.RUN: "green", Mark.CACHED: "dim", Mark.CHANGED: "yellow"})
LEGEND = "+ new · = complete · ~ partial, or with other settings"
"""The meaning of the marks."""


def stage_rows(planning: Planning) -> list[Row]:
    """Return the stages of every plan, in order of execution."""
    every = (*planning.variants, planning.own)
    return [row for one in every for stage in one.stages for row in _rows(stage, one)]


def _rows(stage: Stage, described: Described) -> list[Row]:
    style = _STYLES[stage.mark]
    action = stage.name if stage.name in {TRAIN, WEIGHTS} else "evaluate"
    name = f"  {stage.name}" if action == "evaluate" else described.plan.name
    first: Row = [
        Text(f"{stage.mark} {name}", style),
        Text(stage.id, "dim"),
        action,
        _when(stage, trains=described.plan.trains),
    ]
    reasons: list[Row] = [
        ["", "", "", f"{'because' if at == 0 else '    and'} {reason}"]
        for at, reason in enumerate(stage.because)
    ]
    return [first, *reasons]


def _when(stage: Stage, *, trains: bool) -> str:
    if not trains:
        return "as published" if stage.name == WEIGHTS else "once"
    if stage.name == TRAIN:
        return counted(stage.steps[-1], "step")
    return _after([number(step) for step in stage.steps])


def _after(steps: Sequence[str]) -> str:
    """Return after which steps an evaluation is carried out; step 0 is before training."""
    if len(steps) == 1:
        return f"after step {steps[0]}"
    if len(steps) == 2:
        return f"after steps {steps[0]} and {steps[1]}"
    return f"{len(steps)} times, after steps {steps[0]}, {steps[1]}, … {steps[-1]}"
