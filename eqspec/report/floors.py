"""Sentences and a table about a reconstruction and the floors of its path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqspec.report.numbers import number
from eqspec.report.tables.block import Block
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from eqspec.nn.readouts.floors import PathFloors, Standing
    from eqspec.runs.floors import Reconstruction

UNSEEN = "EQ514"
"""Code of the warning about a reconstruction that is not below its floor at the end."""

_OF = "of the pixels' variance"
_NO_BLIND = "the transform cannot be undone, so its blind floor is unknown"


def error(value: float | None) -> str:
    """Format an error; a dash where the transform cannot be undone."""
    return "–" if value is None else f"{value:.3f}"


def floors_phrase(floors: PathFloors) -> str:
    """Return what the reconstruction costs without training, at the resolution of the images."""
    full = floors.full
    if full.blind is None:
        return f"copying view 2 {error(full.copied)} ({_NO_BLIND})"
    view = "the nearer view" if floors.both else "view 2"
    return (
        f"blind to the transform {error(full.blind)}, copying {view} {error(full.copied)}, "
        f"knowing it {error(full.known)}"
    )


def floors_sentence(floors: PathFloors) -> str:
    """Return the same as a log line, with the images that it was measured on."""
    images = f"on {counted(floors.images, 'image')}"
    return f"floors of the reconstruction {images}, as shares {_OF}: {floors_phrase(floors)}"


def reconstruction_sentence(one: Reconstruction, *, verb: str = "ends at") -> str:
    """Return the error of a reconstruction with its floors and a verdict."""
    term, found, floors = one.stored.term, one.found, floors_phrase(one.stored.floors)
    if found is None:
        return f"{term} has no step yet; {floors}"
    reached = f"{term} {verb} {error(found.error)} {_OF} ({_last(found)})"
    return f"{reached}; {floors}: {verdict(found)}"


def verdict(found: Standing) -> str:
    """Return whether and since when a reconstruction is below its floor."""
    floor = _floor(found)
    if found.since is not None:
        return f"below {floor} since step {number(found.since)}"
    if found.once:
        return f"no longer below {floor} ({UNSEEN})"
    return f"never below {floor}: so far, it shows no trace of the transform ({UNSEEN})"


def shows_nothing(one: Reconstruction) -> str | None:
    """Return the warning about a reconstruction that is not below its floor; None if it is."""
    found = one.found
    if found is None or found.since is not None:
        return None
    ever = "is no longer" if found.once else "was never"
    return (
        f"{one.stored.term} {ever} below {_floor(found)}, {error(found.error)} to "
        f"{error(found.floor)}: a prediction that knows nothing of the transform costs less; "
        f"train longer, or raise `equivariance.lambda` ({UNSEEN})"
    )


def live_phrase(term: str, recent: float, floors: PathFloors) -> str:
    """Return a reconstruction in progress beside its floor, in a few words."""
    full = floors.full
    name, floor = ("copied", full.copied) if full.blind is None else ("blind", full.blind)
    return f"{term} {error(recent)} ({name} {error(floor)})"


def _floor(found: Standing) -> str:
    return "the blind floor" if found.against == "blind" else "the error of copying view 2"


def floor_rows(floors: PathFloors) -> tuple[tuple[str, str, str, str], ...]:
    """Return a row for each prediction that needs no training."""
    full, coarse = floors.full, floors.coarse
    view, moved = ("the nearer view", "") if floors.both else ("view 2", " back")
    return (
        ("copied", error(full.copied), error(coarse.copied), f"{view} itself"),
        ("blind", error(full.blind), error(coarse.blind), f"mean over all transforms of {view}"),
        ("known", error(full.known), error(coarse.known), f"{view}, transformed{moved}"),
    )


def floors_block(one: Reconstruction) -> Block:
    """Return the section of a run's page."""
    floors, found = one.stored.floors, one.found
    now = [] if found is None else [(one.stored.term, error(found.error), "", _last(found))]
    return Block(
        "reconstruction",
        note="mean squared error over the pixels' variance",
        titles=("", f"{floors.size} × {floors.size}", f"{floors.side} × {floors.side}", ""),
        rows=(*now, *floor_rows(floors)),
        right=(1, 2),
        remarks=() if found is None else (f"{one.stored.term} is {verdict(found)}",),
    )


def _last(found: Standing) -> str:
    return "after one step" if found.window == 1 else f"mean of the last {found.window} steps"
