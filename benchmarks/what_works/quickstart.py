"""The tables of README.md and docs/results/quickstart.md, from recorded measurements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.marked import RESULTS, ROOT, Marks

RECORDED = Path(__file__).with_name("quickstart.json")
TRANSCRIPT = Marks("transcript", RESULTS / "quickstart.md")
SUMMARY = Marks("quickstart", ROOT / "README.md")

SHOWN = {("rot", "canvas"): "rotation", ("color", "any"): "colour", ("trans", "canvas"): "shift"}
"""Columns of README.md."""

TITLES = {
    "untrained": "untrained encoder",
    "base": "VICReg",
    "quickstart": "VICReg with intermediate reconstruction",
}


class _Recorded(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Recorded):
    """A value with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


class Difference(_Recorded):
    """A difference, with its intervals over crops and over photos."""

    value: float
    crops: tuple[float, float]
    photos: tuple[float, float]


class Effort(_Recorded):
    """Cost of a training, as the command prints it."""

    samples: int
    seconds: int
    parameters: str
    encoder: str


class Quickstart(_Recorded):
    """The measurements, and how they were made.

    Attributes:
        budget: steps of a training, and samples of each step.
        recipes: trained encoder → the beginning of its recipe id.
        columns: family and border.
        rows: encoder → a value per column.
        differences: of `quickstart` and `base`, one per column.
        gradient_ratio: of the added terms and of the method's own, at the encoder's output.
        gradient_step: the step at which it was measured last.
    """

    command: str
    commit: str
    machine: str
    budget: tuple[int, int]
    seeds: tuple[int, ...]
    recipes: dict[str, str]
    columns: tuple[tuple[str, str], ...]
    rows: dict[str, tuple[Interval, ...]]
    differences: tuple[Difference, ...]
    gradient_ratio: float
    gradient_step: int
    effort: dict[str, Effort]


def recorded() -> Quickstart:
    """Return the recorded measurements."""
    return Quickstart.model_validate_json(RECORDED.read_text(encoding="utf-8"))


def transcript(run: Quickstart) -> Iterator[str]:
    """Yield what the command printed, as a block of text."""
    yield from ("```text", f"$ {run.command}")
    for part in zip(*run.columns, strict=True):
        yield _line("", part)
    for name, values in run.rows.items():
        yield _line(name, [f"{v.value:.3f}" for v in values])
        yield _line("", [f"[{v.low:.2f}, {v.high:.2f}]" for v in values])
    yield ""
    yield _line("quickstart − base", [f"{d.value:+.3f}" for d in run.differences])
    yield _line("  over crops", ["[{:+.2f}, {:+.2f}]".format(*d.crops) for d in run.differences])
    yield _line("  over photos", ["[{:+.2f}, {:+.2f}]".format(*d.photos) for d in run.differences])
    ratio, step = run.gradient_ratio, run.gradient_step
    yield from (
        "",
        "quickstart: at the encoder's output, the gradient of the added terms (recon, λ = 300,",
        (
            f"mean-over-variance) is {ratio} times as large as that of the method's own, "
            f"last measured at step {step}."
        ),
        "The paper uses λ = 1 over 800 epochs.",
        "",
        f"{'':12}{'samples seen':>14}{'steps took':>14}{'parameters':>14}{'encoder':>11}",
    )
    for name, e in run.effort.items():
        yield f"{name:12}{e.samples:14,}{f'{e.seconds} s':>14}{e.parameters:>14}{e.encoder:>11}"
    yield "```"


def _line(name: str, cells: Sequence[str]) -> str:
    return f"{name:17}" + "".join(f"{cell:>16}" for cell in cells)


def summary(run: Quickstart) -> Iterator[str]:
    """Yield the table of README.md."""
    at = [run.columns.index(column) for column in SHOWN]
    yield f"| | {' | '.join(SHOWN.values())} |"
    yield "|---" * (len(SHOWN) + 1) + "|"
    best = [max(values[i].value for values in run.rows.values()) for i in at]
    for name, values in run.rows.items():
        cells = [
            f"**{values[i].value:.3f}**" if values[i].value == most else f"{values[i].value:.3f}"
            for i, most in zip(at, best, strict=True)
        ]
        yield f"| {TITLES[name]} | {' | '.join(cells)} |".replace("-", "−")
    cells = ["{:+.3f} [{:+.2f}, {:+.2f}]".format(d.value, *d.photos) for d in _at(run, at)]
    yield f"| difference, 95 % over photos | {' | '.join(cells)} |".replace("-", "−")


def _at(run: Quickstart, at: Sequence[int]) -> Iterator[Difference]:
    return (run.differences[i] for i in at)
