"""A spec with its variants as runs, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from eqspec.commands.planning.data_places import NOWHERE, DataPlaces
from eqspec.commands.planning.plans import Planned
from eqspec.commands.running.deadline import Deadline
from eqspec.commands.running.request import RunRequest, identity_of, never
from eqspec.compile.types.plan import Plan
from eqspec.runs import record
from eqspec.runs.folder import place


@dataclass(frozen=True, slots=True)
class Member:
    """One run of a series.

    Attributes:
        name: the variant's, or the spec's own.
    """

    name: str
    request: RunRequest


@dataclass(frozen=True, slots=True)
class Manner:
    """How the runs of a series are made.

    Attributes:
        root: folder of all runs.
        data: where datasets lie.
        steps: stop each training after so many.
        again: make what is complete once more, beside it.
        retry: go on with runs that have failed.
        deadline: when all of it must be over.
        should_stop: see `RunRequest`.
    """

    root: Path
    data: DataPlaces = NOWHERE
    steps: int | None = None
    again: bool = False
    retry: bool = False
    deadline: Deadline | None = None
    should_stop: Callable[[], bool] = never


def series(planned: Planned, manner: Manner) -> tuple[Member, ...]:
    """The variants, then the spec itself.

    An untrained encoder is judged once: in the spec's own run, and in those of variants whose
    encoder starts as another one.
    """
    own = planned.plan
    root = manner.root if planned.folder is None else planned.folder.absolute().parent.parent
    named = (*planned.variants.items(), (own.name, own))
    repeat = _repeat(planned.in_order, root) if manner.again else 1
    return tuple(
        Member(
            name=name,
            request=RunRequest(
                plan=plan,
                spec_text=planned.text,
                root=root,
                folder=None if manner.again else planned.folder,
                repeat=repeat,
                data=manner.data,
                steps=manner.steps,
                untrained=plan is own or not _start_alike(plan, own),
                retry=manner.retry,
                deadline=manner.deadline,
                should_stop=manner.should_stop,
            ),
        )
        for name, plan in named
    )


def _repeat(plans: Sequence[Plan], root: Path) -> int:
    """Which repeat `--again` means: the newest of the series unless all of it has ended."""

    def folder(plan: Plan, repeat: int) -> Path:
        return place(root, identity=identity_of(plan), repeat=repeat)

    def begun(repeat: int) -> bool:
        return any((folder(plan, repeat) / "plan.json").is_file() for plan in plans)

    newest = next(n for n in count(1) if not begun(n + 1))
    ended = all(record.read_record(folder(plan, newest)) is not None for plan in plans)
    return newest + 1 if ended else newest


def _start_alike(a: Plan, b: Plan) -> bool:
    """Whether two encoders are one function before training, so that one judgement does."""
    return (untrained_encoder(a), a.published) == (untrained_encoder(b), b.published)


def untrained_encoder(plan: Plan) -> tuple[object, ...]:
    """What decides how an encoder does before training; equal for two that are one function."""
    module = next(m for m in plan.graph.modules if m.family == "backbones")
    views = plan.views
    return plan.seed, plan.init, plan.evaluations, views.mean, views.std, module.model_dump()
