"""When training pauses: for evaluations, for checkpoints, and at the end."""

from __future__ import annotations

from collections.abc import Iterable

from eqspec.compile.types.error import GraphError
from eqspec.compile.types.plan import EvalPlan, Pause
from eqspec.spec.node import KeyPath, dotted

MOST_TIMES = 10_000
"""Limit on repetitions in a training, so that a short text cannot ask for an endless plan."""


def times(every: int, *, total: int, path: KeyPath) -> tuple[int, ...]:
    """Return the steps after which something is repeated.

    Args:
        path: of the interval in the spec.

    Raises:
        GraphError: when there are far too many.
    """
    count = total // every
    if count > MOST_TIMES:
        message = f"`{dotted(path)}` would come {count:,} times in {total:,} steps"
        raise GraphError(
            path, message, help=f"at most {MOST_TIMES:,} times: write a longer interval"
        )
    return tuple(range(every, total + 1, every))


def timetable(
    evaluations: Iterable[EvalPlan],
    *,
    steps: int,
    checkpoint_every: int,
    keep_every: int | None = None,
) -> tuple[Pause, ...]:
    """Pauses in order of step; the last step is one of them, and nothing comes after it.

    Args:
        steps: optimizer steps in all.
        checkpoint_every: steps between checkpoints; the last step always has one.
        keep_every: steps between checkpoints that are kept for good.
    """
    planned = tuple(evaluations)
    saves = {*range(checkpoint_every, steps + 1, checkpoint_every), steps}
    if keep_every is not None:
        saves |= {*times(keep_every, total=steps, path=("keep", "every"))}
    evaluated = [(e.id, frozenset(e.steps)) for e in planned]
    stops = saves | {s for e in planned for s in e.steps if s <= steps}
    return tuple(
        Pause(
            step=step,
            checkpoint=step in saves or any(step in at for _, at in evaluated),
            evaluations=tuple(id_ for id_, at in evaluated if step in at),
        )
        for step in sorted(stops)
    )
