"""When training pauses: for evaluations, for checkpoints, and at the end."""

from __future__ import annotations

from collections.abc import Iterable

from eqspec.compile.plan import EvalPlan, Pause


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
        saves |= {*range(keep_every, steps + 1, keep_every)}
    stops = saves | {s for e in planned for s in e.steps if s <= steps}
    return tuple(
        Pause(
            step=step,
            checkpoint=step in saves or any(step in e.steps for e in planned),
            evaluations=tuple(e.id for e in planned if step in e.steps),
        )
        for step in sorted(stops)
    )
