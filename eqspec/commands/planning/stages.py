"""Stages of a plan that are done or left to do: its training and each evaluation.

+  will be done    =  is done already    ~  is done in part, or under other terms: because …
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import JsonValue, ValidationError

from eqspec.commands.planning.schedule import evaluation_steps
from eqspec.compile.spec_differences import Change, Matters, spec_changes
from eqspec.compile.types.plan import EvalPlan, Plan
from eqspec.errors import EqspecError
from eqspec.runs import checkpoint
from eqspec.runs.artifacts import read_document
from eqspec.runs.environment import Environment
from eqspec.runs.folder import RunFolder, State
from eqspec.runs.results import whole_steps
from eqspec.spec.phrases import counted

TRAIN, WEIGHTS = "train", "weights"
"""First stage of a plan: training, or conversion of its published weights."""

MOST_REASONS = 3
"""Differences that a stage names; the others are counted."""


class Mark(StrEnum):
    """State of a stage."""

    RUN = "+"
    CACHED = "="
    CHANGED = "~"


@dataclass(frozen=True, slots=True)
class Stage:
    """A training (or conversion of published weights), or an evaluation.

    Attributes:
        name: ``train``, ``weights``, or the evaluation's.
        id: of the run, or of the evaluation.
        steps: after which it is evaluated, 0 before training; of a training, the last one.
        because: of a changed stage, why the existing results are not enough.
    """

    mark: Mark
    name: str
    id: str
    steps: tuple[int, ...]
    because: tuple[str, ...] = ()


def stages(
    plan: Plan, *, folder: Path, untrained: bool, fingerprint: str | None = None
) -> tuple[Stage, ...]:
    """Return the training of a plan, then its evaluations.

    A damaged result counts as missing: a run measures it again.

    Args:
        folder: of the run, whether it exists or not.
        untrained: whether the encoder is also evaluated before training.
        fingerprint: of the training data, if they were read.
    """
    here = (folder / "plan.json").is_file()
    stored = whole_steps(RunFolder(folder)) if here else dict[str, frozenset[int]]()
    old = _plan_in(folder) if here else None
    return (
        _training(plan, folder, here=here, fingerprint=fingerprint),
        *(
            _evaluation(
                one,
                steps=evaluation_steps(plan, one, untrained=untrained),
                stored=stored,
                old=old,
            )
            for one in plan.evaluations
        ),
    )


def _training(plan: Plan, folder: Path, *, here: bool, fingerprint: str | None) -> Stage:
    because = tuple(_begun(plan, folder, fingerprint) if here else _elsewhere(plan, folder))
    mark = Mark.CHANGED if because else Mark.CACHED if here else Mark.RUN
    if here and not because and not _is_done(plan, folder):
        mark = Mark.RUN
    identity = f"{plan.recipe[:8]}-s{plan.seed}"
    name = TRAIN if plan.trains else WEIGHTS
    return Stage(mark, name, identity, steps=(plan.train.steps,), because=because)


def _is_done(plan: Plan, folder: Path) -> bool:
    saved = checkpoint.steps(folder / "checkpoints")
    return RunFolder(folder).state() is State.FINISHED or plan.train.steps in saved


def _begun(plan: Plan, folder: Path, fingerprint: str | None) -> Iterator[str]:
    """Yield why the plan's own folder is not complete."""
    then = read_document(folder / "environment.json", kind=Environment).data
    if None not in {then, fingerprint} and then != fingerprint:
        yield f"the data differs: fingerprint {then} → {fingerprint}; the folder will refuse it"
    saved = checkpoint.steps(folder / "checkpoints")
    if saved and not _is_done(plan, folder):
        steps = plan.train.steps
        yield f"it stopped after step {saved[-1]:,} of {steps:,}, and continues from there"


def _elsewhere(plan: Plan, folder: Path) -> Iterator[str]:
    """Yield how the nearest run of this spec with the same seed differs."""
    others = [o for p in sorted(folder.parent.glob("*")) if (o := _plan_in(p)) is not None]
    differing = [(o, _differences(o, plan)) for o in others if o.seed == plan.seed]
    if differing:
        other, lines = min(differing, key=lambda pair: len(pair[1]))
        yield from _few(lines)
        yield f"{other.recipe[:8]}-s{other.seed} stays as it is"


def _differences(old: Plan, new: Plan) -> list[str]:
    changes = spec_changes(old.resolved, new.resolved)
    revs = {(m.kind, m.family, m.name): m.rev for m in old.provenance}
    return [_line(c) for c in changes if c.matters is Matters.WEIGHTS] + [
        f"{m.kind} {m.family}/{m.name}: rev {then} → {m.rev}"
        for m in new.provenance
        if (then := revs.get((m.kind, m.family, m.name), m.rev)) != m.rev
    ]


def _evaluation(
    plan: EvalPlan,
    *,
    steps: Sequence[int],
    stored: Mapping[str, frozenset[int]],
    old: Plan | None,
) -> Stage:
    there = stored.get(plan.id, frozenset())
    missing = [step for step in steps if step not in there]
    because: tuple[str, ...] = ()
    if missing and there:
        because = (f"{len(missing)} of {counted(len(steps), 'result')} missing",)
    elif missing:
        earlier = {id_ for id_ in stored if id_.rpartition("-")[0] == plan.name}
        known = {} if old is None else {e.id: e for e in old.evaluations}
        same = [known[e] for e in sorted(earlier) if e in known]
        because = tuple(_protocol(same[0], plan)) if same else ()
        because = because or (("its protocol changed",) if earlier else ())
    mark = Mark.CHANGED if because else Mark.RUN if missing else Mark.CACHED
    return Stage(mark, plan.name, plan.id, steps=tuple(steps), because=because)


def _protocol(old: EvalPlan, new: EvalPlan) -> Iterator[str]:
    """Yield the differences of two evaluations of one name."""
    if old.rev != new.rev:
        yield f"rev {old.rev} → {new.rev}"
    names = [n for n in {**old.params, **new.params} if old.params.get(n) != new.params.get(n)]
    yield from _few(
        [f"{n}: {_short(old.params.get(n))} → {_short(new.params.get(n))}" for n in names]
    )
    if old.data != new.data:
        yield f"its data: {old.data.name} → {new.data.name}"


def _few(lines: Sequence[str]) -> list[str]:
    more = len(lines) - MOST_REASONS
    return [*lines[:MOST_REASONS], *([f"and {more} more"] if more > 0 else [])]


def _line(change: Change) -> str:
    return f"{change.dotted}: {_short(change.a)} → {_short(change.b)}"


def _short(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}…"


def _plan_in(folder: Path) -> Plan | None:
    """Return the plan of a run folder; None if there is none, or one of another version."""
    if not (folder / "plan.json").is_file():
        return None
    try:
        return Plan.model_validate(RunFolder.open(folder).plan())
    except (ValidationError, EqspecError):
        return None
