"""A spec with its variants as a series of runs, in the order in which they are carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from eqspec.commands.planning.plans import Planned
from eqspec.commands.running.options import RunOptions
from eqspec.commands.running.request import RunRequest, identity_of
from eqspec.compile.types.plan import Plan
from eqspec.runs import record
from eqspec.runs.folder import folder_path


@dataclass(frozen=True, slots=True)
class Member:
    """One run of a series.

    Attributes:
        name: the variant's, or the spec's own.
    """

    name: str
    request: RunRequest


def series(planned: Planned, options: RunOptions) -> tuple[Member, ...]:
    """Return the variants, then the spec itself.

    An untrained encoder is evaluated once: in the run of the spec itself, and in those of variants
    that start from another encoder.
    """
    own = planned.plan
    runs = options.runs if planned.folder is None else planned.folder.absolute().parent.parent
    named = (*planned.variants.items(), (own.name, own))
    repeat = _repeat(planned.in_order, runs) if options.again else 1
    given = None if options.again else planned.folder
    return tuple(
        Member(
            name=name,
            request=RunRequest(
                plan,
                options,
                spec_text=planned.text,
                folder=given or folder_path(runs, identity=identity_of(plan), repeat=repeat),
                untrained=plan is own or not _start_alike(plan, own),
            ),
        )
        for name, plan in named
    )


def _repeat(plans: Sequence[Plan], runs: Path) -> int:
    """Return the repeat that `--again` selects: the newest one, or the next if that has ended."""

    def folder(plan: Plan, repeat: int) -> Path:
        return folder_path(runs, identity=identity_of(plan), repeat=repeat)

    def begun(repeat: int) -> bool:
        return any((folder(plan, repeat) / "plan.json").is_file() for plan in plans)

    newest = next(n for n in count(1) if not begun(n + 1))
    ended = all(record.read_record(folder(plan, newest)) is not None for plan in plans)
    return newest + 1 if ended else newest


def _start_alike(a: Plan, b: Plan) -> bool:
    """Return whether two plans start from the same encoder, so that one evaluation serves both."""
    return (untrained_encoder(a), a.published) == (untrained_encoder(b), b.published)


def untrained_encoder(plan: Plan) -> tuple[object, ...]:
    """Return everything that determines an encoder before training, and its evaluations."""
    module = next(m for m in plan.graph.modules if m.family == "backbones")
    views = plan.views
    return plan.seed, plan.init, plan.evaluations, views.mean, views.std, module.model_dump()
