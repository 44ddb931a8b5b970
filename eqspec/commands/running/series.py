"""A spec with its variants as a series of runs, in the order in which they are carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from eqspec.build.parallel.strategy import Strategy
from eqspec.build.program import SINGLE
from eqspec.commands.planning.plans import Planned
from eqspec.commands.planning.schedule import evaluates_untrained
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


def series(
    planned: Planned, options: RunOptions, *, strategy: Strategy = SINGLE
) -> tuple[Member, ...]:
    """Return the variants, then the spec itself.

    Args:
        strategy: how its runs are spread over processes, each of which calls this.
    """
    own = planned.plan
    runs = options.runs if planned.folder is None else planned.folder.absolute().parent.parent
    named = (*planned.variants.items(), (own.name, own))
    repeat = 1
    if options.again:  # folders appear while the processes look
        repeat = int(strategy.collect(_repeat(planned.in_order, runs))[0])
    given = None if options.again else planned.folder
    return tuple(
        Member(
            name=name,
            request=RunRequest(
                plan,
                options,
                spec_text=planned.text,
                folder=given or folder_path(runs, identity=identity_of(plan), repeat=repeat),
                untrained=evaluates_untrained(plan, own=own),
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
