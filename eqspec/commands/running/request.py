"""A request to run one plan in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eqspec.commands.running.options import RunOptions
from eqspec.compile.types.plan import Plan
from eqspec.runs.folder import Identity


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A plan to run, and how.

    Attributes:
        spec_text: source of the spec, with its comments.
        folder: of this run.
        untrained: also evaluate the encoder before training.
    """

    plan: Plan
    options: RunOptions
    spec_text: str
    folder: Path
    untrained: bool = True


def identity_of(plan: Plan) -> Identity:
    """Return the parts of the name of a plan's run folder."""
    return Identity.model_validate(plan.model_dump(mode="json", include=set(Identity.model_fields)))
