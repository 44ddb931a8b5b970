"""Render the table of what works."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.marked import RESULTS, Marks
from benchmarks.what_works.rows import Row, card_of, kind, rows
from benchmarks.what_works.study import Found, Study
from eqspec.registry.cards import FAMILIES
from eqspec.registry.catalog import open_catalog

MARKS = Marks("what works", RESULTS / "what-works.md")

REQUIRED_FALL = 3.0
"""Fall of the mean loss from the first to the last part, in standard deviations of the last."""

RANK_SHARE = 0.25
"""Share of the untrained encoder's effective rank below which an encoder counts as collapsed."""

REQUIRED_ERRORS = 2.0
"""Standard errors by which a difference over seeds must exceed zero to count as shown."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Difference of a composition and its method alone, averaged over seeds.

    Attributes:
        error: standard error of the mean over seeds; None for a single seed.
    """

    mean: float
    error: float | None
    seeds: int

    def __str__(self) -> str:
        return f"{self.mean:+.3f}" + ("" if self.error is None else f" ± {self.error:.3f}")

    @property
    def shown(self) -> bool:
        """Whether it exceeds zero by `REQUIRED_ERRORS` standard errors."""
        return self.error is not None and self.mean > REQUIRED_ERRORS * self.error


def difference(family: str, ours: Sequence[Found], base: Sequence[Found]) -> Difference:
    """Return the difference in R² of a family, over the seeds that both have."""
    other = {run.seed: run.trained.r2[family] for run in base}
    pairs = [run.trained.r2[family] - other[run.seed] for run in ours if run.seed in other]
    several = len(pairs) > 1
    error = statistics.stdev(pairs) / len(pairs) ** 0.5 if several else None
    return Difference(statistics.fmean(pairs), error, len(pairs))


HEAD = (
    "`specs/small/`",
    "paper",
    "status",
    "loss, first → last tenth",
    "effective rank",
    "top-1",
    "R²(SE(2)): untrained, base, Ours",
    "Ours − base",
    "of rotation",
    "steps took",
)


def table(study: Study) -> Iterator[str]:
    """Yield the lines of the table in Markdown."""
    yield f"| {' | '.join(HEAD)} |"
    yield "|---" * len(HEAD) + "|"
    catalog = open_catalog()
    for row in rows():
        family = "equivariance" if kind(row.plan) == 2 else "methods"
        name = card_of(row.plan, family)
        assert name is not None, "a small spec uses cards by name"
        model = catalog.card(FAMILIES[family], name).model
        runs = [run for run in study.runs if run.recipe == row.plan.recipe]
        cells = [
            f"`{row.name}`",
            model.paper or "",
            str(getattr(model, "status", "")),
            *(_shown(runs, study) if runs else ["not run yet", "", ""]),
            *_composed(row, runs, study),
            _took(runs),
        ]
        yield f"| {' | '.join(cells)} |"
    commits = sorted({run.commit[:7] for run in study.runs})
    machines = sorted({run.cpu for run in study.runs})
    yield ""
    yield f"{len(study.runs)} runs on {', '.join(machines)}, commits {', '.join(commits)}."


def _shown(runs: Sequence[Found], study: Study) -> list[str]:
    """Return cells of loss, effective rank and accuracy; a missed bound is spelled out."""
    first, last = (statistics.fmean(getattr(r, key) for r in runs) for key in ("first", "last"))
    falls = min(run.fall for run in runs)
    learns = f"{falls:.1f} σ" if falls > REQUIRED_FALL else f"**{falls:.1f} σ: not shown**"
    before = [study.untrained[run.encoder].rank for run in runs]
    alive = all(r.trained.rank >= RANK_SHARE * rank for r, rank in zip(runs, before, strict=True))
    rank = statistics.fmean(run.trained.rank for run in runs)
    collapsed = "" if alive else " **collapsed**"
    top1 = statistics.fmean(run.trained.top1 for run in runs)
    return [
        f"{first:.3g} → {last:.3g}, {learns}",
        f"{rank:.3g} (untrained {statistics.fmean(before):.3g}){collapsed}",
        f"{top1:.3f}",
    ]


def _composed(row: Row, runs: Sequence[Found], study: Study) -> tuple[str, str, str]:
    """Return cells of R²(SE(2)) of a composition, its gain over the base, and that in rotation."""
    if row.base is None or not runs:
        return "", "", ""
    base = [run for run in study.runs if run.recipe == row.base.recipe]
    trained, beside = (difference(family, runs, base) for family in ("se2", "rot"))
    text = f"{trained}, {trained.seeds} seed" + ("s" if trained.seeds > 1 else "")
    if not trained.shown:
        cost = sum(run.seconds for run in (*runs, *base)) / 60
        text += f": not shown at this size, which cost {cost:.0f} min"
    before = [study.untrained[run.encoder] for run in runs]
    encoders = (before, [run.trained for run in base], [run.trained for run in runs])
    means = (statistics.fmean(numbers.r2["se2"] for numbers in one) for one in encoders)
    return ", ".join(f"{mean:.3f}" for mean in means), text, str(beside)


def _took(runs: Sequence[Found]) -> str:
    return f"{statistics.fmean(r.seconds for r in runs) / 60:.1f} min" if runs else ""
