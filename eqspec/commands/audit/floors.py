"""Level L4 of an audit: whether the floors of a path, measured again, are the stored ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import ValidationError

from eqspec.commands.audit.findings import Disagreement, Finding, Level
from eqspec.commands.planning.data_locations import DataLocations, open_dataset
from eqspec.commands.planning.run_plan import plan_in
from eqspec.commands.running.floors import measured_floors
from eqspec.errors import EqspecError
from eqspec.runs.floors import RunFloors, load_floors

if TYPE_CHECKING:
    from eqspec.runs.folder import RunFolder

_ABOUT = "floors"

_ROUNDING = 1e-6
"""Largest difference where code and environment are the run's: sums of float32 on threads."""

_ELSEWHERE = 0.01
"""The same elsewhere, where images may be decoded differently."""


def floors_again(folder: RunFolder, *, data: DataLocations, same: bool) -> Iterator[Finding]:
    """Measure the floors of a run again, in memory; nothing for a run without them.

    Args:
        same: whether code and environment are those of the run.
    """
    try:
        stored = load_floors(folder)
        if stored is None:
            return
        plan = plan_in(folder.path)
        train = open_dataset(plan.data, split="train", locations=data, own=plan.data.name)
        again = measured_floors(plan, train)
    except (EqspecError, ValidationError) as error:
        reason = error.message if isinstance(error, EqspecError) else "planned by another eqspec"
        yield Finding(Level.RESULTS, _ABOUT, None, f"cannot be measured here: {reason}")
        return
    yield _compared(_numbers(stored), again, allowed=_ROUNDING if same else _ELSEWHERE)


def _compared(
    stored: dict[str, float | None], found: RunFloors | None, *, allowed: float
) -> Finding:
    again = {} if found is None else _numbers(found)
    other = tuple(
        Disagreement(name, _text(value), _text(again.get(name)))
        for name, value in stored.items()
        if not _is_close(value, again.get(name), allowed=allowed)
    )
    if other:
        message = f"{len(other)} of {len(stored)} numbers differ by more than {allowed:g}"
        return Finding(Level.RESULTS, _ABOUT, holds=False, message=message, disagreements=other)
    how = "bit for bit" if stored == again else f"within {allowed:g}"
    message = f"{len(stored)} numbers, the same {how}"
    return Finding(Level.RESULTS, _ABOUT, holds=True, message=message)


def _numbers(stored: RunFloors) -> dict[str, float | None]:
    """Return every number by its name, as in `full.blind`."""
    floors = stored.floors
    found: dict[str, float | None] = {
        "images": floors.images,
        "variance": floors.variance,
        "size": floors.size,
        "side": floors.side,
    }
    for name, floor in (("full", floors.full), ("coarse", floors.coarse)):
        found |= {f"{name}.{of}": value for of, value in floor.model_dump().items()}
    return found


def _is_close(a: float | None, b: float | None, *, allowed: float) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=0.0, abs_tol=allowed)


def _text(value: float | None) -> str | None:
    return None if value is None else repr(value)
