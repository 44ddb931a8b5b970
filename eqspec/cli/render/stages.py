"""Trainings and evaluations as rows, with marks for new, complete and partial ones."""

from __future__ import annotations

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
    steps = stage.steps
    if not trains:
        return "as published" if stage.name == WEIGHTS else "once"
    if stage.name == TRAIN:
        return counted(steps[-1], "step")
    if len(steps) == 1:
        return f"after step {number(steps[0])}"
    return f"{len(steps)} times, after steps {number(steps[0])}, … {number(steps[-1])}"
