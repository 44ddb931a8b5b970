"""Refuses to go on in a run folder that was made for something else, and says what differs."""

from __future__ import annotations

from pydantic import JsonValue

from eqspec.compile.spec_differences import Matters, spec_changes
from eqspec.compile.types.plan import Plan
from eqspec.runs.folder import RunFolder

_WIDEST = 60


def guard(folder: RunFolder, plan: Plan) -> None:
    """Compares recipe and seed.

    Raises:
        FolderMismatch: with every setting that changes what is trained, and how many others.
    """
    mine = folder.identity()
    if (mine.recipe, mine.seed) == (plan.recipe, plan.seed):
        return
    changes = spec_changes(Plan.model_validate(folder.plan()).resolved, plan.resolved)
    weighty = [c for c in changes if c.matters is Matters.WEIGHTS and c.dotted != "seed"]
    lines = [f"{c.dotted}: {_short(c.a)} → {_short(c.b)}" for c in weighty]
    others = sum(c.matters is not Matters.WEIGHTS for c in changes)
    if others:
        lines.append(f"and {others} that change no weights")
    folder.guard(recipe=plan.recipe, seed=plan.seed, differences=lines)


def _short(value: JsonValue) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
