"""The table of docs/results/families.md, from its recorded measurements."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.marked import RESULTS, Marks

RECORDED = Path(__file__).with_name("families.json")
MARKS = Marks("families", RESULTS / "families.md")


class Mean(BaseModel):
    """Mean and sample standard deviation over seeds; a control has no seeds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: float
    deviation: float | None = None

    def __str__(self) -> str:
        text = _short(self.mean)
        return text if self.deviation is None else f"{text} ± {_short(self.deviation)}"


class Measured(BaseModel):
    """A row: an encoder, or a control.

    Attributes:
        values: column → its mean.
        minutes: fewest and most minutes that the steps took; None without training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    values: dict[str, Mean]
    minutes: tuple[int, int] | None = None


class Families(BaseModel):
    """The measurements, and how they were made.

    Attributes:
        command: what was run.
        budget: steps of each training, and samples of each step.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: str
    commit: str
    machine: str
    budget: tuple[int, int]
    seeds: tuple[int, ...]
    columns: tuple[str, ...]
    rows: tuple[Measured, ...]


def recorded() -> Families:
    """Return the recorded measurements."""
    return Families.model_validate_json(RECORDED.read_text(encoding="utf-8"))


def table(families: Families) -> Iterator[str]:
    """Yield the lines of the table in Markdown, and what it was measured with."""
    yield f"| | {' | '.join(families.columns)} | steps took |"
    yield "|---" * (len(families.columns) + 2) + "|"
    for row in families.rows:
        cells = [str(row.values[c]) if c in row.values else "" for c in families.columns]
        took = "" if row.minutes is None else "{}-{} min".format(*row.minutes)
        yield f"| {row.name} | {' | '.join(cells)} | {took} |"
    steps, batch = families.budget
    yield ""
    yield (
        f"`{families.command}`: {steps:,} steps of {batch} samples for every trained row, seeds "
        f"{', '.join(map(str, families.seeds))}, commit {families.commit}, {families.machine}."
    )


def _short(value: float) -> str:
    """Three decimals without the zero before the point."""
    return f"{value:.3f}".replace("0.", ".", 1).replace("-", "−")
