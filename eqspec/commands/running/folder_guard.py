"""Check that a run folder belongs to a plan, with the settings that differ if it does not."""

from __future__ import annotations

from pydantic import JsonValue

from eqspec.compile.spec_differences import Matters, spec_changes
from eqspec.compile.types.plan import Plan
from eqspec.runs.folder import UNDO, RunFolder

_WIDEST = 60


def guard(folder: RunFolder, plan: Plan, *, advice: str = UNDO) -> None:
    """Compare recipe and seed.

    Args:
        advice: what to do where they differ.

    Raises:
        FolderMismatch: they differ; with every setting that changes what is trained, and the number
            of others.
    """
    mine = folder.identity()
    if (mine.recipe, mine.seed) == (plan.recipe, plan.seed):
        return
    changes = spec_changes(Plan.model_validate(folder.plan()).resolved, plan.resolved)
    trained = [c for c in changes if c.matters is Matters.WEIGHTS and c.dotted != "seed"]
    lines = [f"{c.dotted}: {_short(c.a)} → {_short(c.b)}" for c in trained]
    others = sum(c.matters is not Matters.WEIGHTS for c in changes)
    if others:
        lines.append(f"and {others} that change no weights")
    folder.guard(recipe=plan.recipe, seed=plan.seed, differences=lines, advice=advice)


def _short(value: JsonValue) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
