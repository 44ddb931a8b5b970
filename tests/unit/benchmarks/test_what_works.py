"""The table of what works says in words where a bound is missed, and counts nothing else."""

from __future__ import annotations

import pytest

from benchmarks.what_works.page import difference, table
from benchmarks.what_works.rows import Row, rows
from benchmarks.what_works.study import Found, Numbers, Study


def found(recipe: str, *, seed: int = 0, se2: float = 0.1, **other: object) -> Found:
    """A run that has learned and is alive."""
    reported = {"first": 2.0, "last": 1.0, "spread": 0.2, "rank": 50.0} | other
    numbers = Numbers(rank=float(str(reported.pop("rank"))), r2={"rot": 0.2, "se2": se2}, top1=0.07)
    built = {"recipe": recipe, "seed": seed, "encoder": f"e{seed}", "commit": "c", "cpu": "a cpu"}
    spent = {"samples": 640, "seconds": 60.0, "trained": numbers}
    return Found.model_validate({**built, **spent, **reported})


UNTRAINED = {f"e{seed}": Numbers(rank=60.0, r2={"se2": 0.1}, top1=0.05) for seed in range(3)}


@pytest.fixture(scope="module")
def row() -> Row:
    """A composition and its method alone."""
    return next(row for row in rows() if row.name == "vicreg_se2")


def line(study: Study, name: str) -> str:
    (found,) = (line for line in table(study) if line.startswith(f"| `{name}` |"))
    return found


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ({}, "2 → 1, 5.0 σ | 50 (untrained 60) |"),
        ({"spread": 0.34}, "2 → 1, **2.9 σ: not shown** |"),
        ({"rank": 14.9}, "| 14.9 (untrained 60) **collapsed** |"),
        ({"rank": 15.1}, "| 15.1 (untrained 60) |"),
    ],
)
def test_a_missed_bound_is_stated(row: Row, what: dict[str, float], expected: str) -> None:
    study = Study(runs=(found(row.plan.recipe, **what),), untrained=UNTRAINED)
    assert expected in line(study.model_copy(update={"runs": (*study.runs, _base(row))}), row.name)


def _base(row: Row, *, seed: int = 0, se2: float = 0.1) -> Found:
    assert row.base is not None, "it has one"
    return found(row.base.recipe, seed=seed, se2=se2)


def test_the_worst_seed_decides(row: Row) -> None:
    runs = [found(row.plan.recipe, seed=seed) for seed in (0, 1)]
    runs += [found(row.plan.recipe, seed=2, rank=14.0, spread=0.5)]
    study = Study(runs=(*runs, *(_base(row, seed=seed) for seed in range(3))), untrained=UNTRAINED)
    assert "**2.0 σ: not shown** |" in line(study, row.name)
    assert "**collapsed**" in line(study, row.name)


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ((0.03, 0.04, 0.05), "| 0.100, 0.100, 0.140 | +0.040 ± 0.006, 3 seeds |"),
        ((0.00, 0.01, 0.05), "+0.020 ± 0.015, 3 seeds: not shown at this size, which cost 6 min |"),
        ((-0.03, -0.04, -0.05), "-0.040 ± 0.006, 3 seeds: not shown at this size"),
        ((0.05,), "+0.050, 1 seed: not shown at this size, which cost 2 min |"),
    ],
)
def test_a_difference_is_of_the_same_seeds(
    row: Row, gains: tuple[float, ...], expected: str
) -> None:
    base = [_base(row, seed=seed, se2=0.1 * seed) for seed in range(len(gains))]
    ours = [
        found(row.plan.recipe, seed=seed, se2=0.1 * seed + gain) for seed, gain in enumerate(gains)
    ]
    assert expected in line(Study(runs=(*ours, *base), untrained=UNTRAINED), row.name)
    assert difference("se2", ours, base[::-1]).seeds == len(gains)


def test_a_spec_without_a_run_is_not_run_yet(row: Row) -> None:
    assert "| not run yet |" in line(Study(), row.name)
