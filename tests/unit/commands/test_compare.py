from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from eqspec.cli.render.compare import as_data, compared
from eqspec.cli.screen import Screen
from eqspec.commands.running.comparison import Done, compare
from eqspec.commands.running.evaluation import EvaluationResult
from eqspec.errors import UsageError
from eqspec.nn.readouts.accuracy import accuracy_measurements, image_resamples
from eqspec.nn.readouts.measurement import Interval, Measurement, ResultSet
from eqspec.report.tables.comparison import EvaluationTable
from eqspec.runs.journal import Journal
from eqspec.runs.tables import Kind
from tests.toy_specs import PATH, load_toy, plan_of

if TYPE_CHECKING:
    from pathlib import Path

    from eqspec.compile.types.plan import Plan

EVALUATE = "evaluate: [{use: r2, at: end}]"
BASE = plan_of(load_toy("vicreg", extra=EVALUATE))
OURS = plan_of(load_toy("vicreg", equivariance=PATH, extra=EVALUATE))

COLUMNS = (("rot", "reflect"), ("rot", "canvas"), ("color", "any"))
TARGETS = np.linspace(-1, 1, 60)[:, None]
IMAGES, PHOTOS = np.arange(60), np.arange(60) % 3


def _result(share: float, *, columns: tuple[tuple[str, str], ...] = COLUMNS) -> ResultSet:
    """A regressor that is off by a share of each target: its R² is 1 − share²."""
    arrays = {"images": IMAGES, "sources": PHOTOS}
    measurements: list[Measurement] = []
    for family, border in columns:
        arrays |= {f"errors/encoder/{family}/{border}": (share * TARGETS) ** 2}
        arrays[f"targets/{family}"] = TARGETS
        one = partial(Measurement, row="encoder", group=(("family", family), ("border", border)))
        intervals = tuple(Interval(over, 0.1, 0.9) for over in ("images", "sources"))
        measurements.append(one("r2", 1 - share**2, intervals=intervals))
        measurements.append(one("r2_constant", 0.0))
    facts = {"heldout_images": 60, "heldout_sources": 3, "resamples": 1000}
    return ResultSet(tuple(measurements), facts=facts, arrays=arrays)


def _done(folder: Path, plan: Plan, *, name: str, share: float, untrained: bool = False) -> Done:
    folder.mkdir()
    counts = {m.name: 1000 * (at + 1) for at, m in enumerate(plan.graph.modules)}
    (folder / "trace.json").write_text(json.dumps({"parameters": counts, "frozen": 0}))
    with Journal(folder / "metrics.jsonl") as metrics, Journal(folder / "timing.jsonl") as timing:
        for step in (1, 2, 3, 4):
            cut = {"cut.added": 0.1 * step, "cut.method": 2.0} if plan.graph.added else {}
            metrics.write(step, name="train", values={"loss": 1.0} | (cut if step < 3 else {}))
            timing.write(step, name="train", values={"seconds": 0.5, "waited": 0.0})
    (evaluation,) = plan.evaluations
    evaluated = [EvaluationResult(evaluation, plan.train.steps, _result(share))]
    if untrained:
        evaluated.insert(0, EvaluationResult(evaluation, 0, _result(0.9)))
    return Done(name=name, plan=plan, folder=folder, results=tuple(evaluated))


@pytest.fixture
def done(tmp_path: Path) -> tuple[Done, Done]:
    return (
        _done(tmp_path / "base", BASE, name="base", share=0.6),
        _done(tmp_path / "ours", OURS, name="ours", share=0.3, untrained=True),
    )


def rows(found: EvaluationTable) -> list[str]:
    return [row.name for row in found.table.rows]


def test_rows_are_untrained_then_the_runs_in_order(done: tuple[Done, Done]) -> None:
    (table,) = compare(done).tables
    assert rows(table) == ["untrained", "base", "ours", "ours − base"]
    assert [dict(column.group) for column in table.table.columns] == [
        {"family": family, "border": border} for family, border in COLUMNS
    ]
    first = table.table.columns[0]
    values = [round(row.cells[first].value, 2) for row in table.table.rows]
    assert values == [0.19, 0.64, 0.91, 0.27]
    assert table.heldout == (60, 3)


def test_the_last_run_is_measured_against_the_others(done: tuple[Done, Done]) -> None:
    (table,) = compare(done).tables
    gap = table.table.rows[-1]
    assert (gap.name, gap.kind) == ("ours − base", Kind.DIFFERENCE)
    for cell in gap.cells.values():
        assert cell.value == pytest.approx(0.27)
        assert [interval.over for interval in cell.intervals] == ["crops", "photos"]
        # Nearly constant, since the regressors are off by the same share everywhere.
        assert [i.low for i in cell.intervals] == pytest.approx([0.27, 0.27], abs=0.02)
        assert [i.high for i in cell.intervals] == pytest.approx([0.27, 0.27], abs=0.06)


def test_words_are_those_of_the_data(tmp_path: Path) -> None:
    """A photograph has many crops; an image of a folder is its own source."""
    plan = plan_of(
        load_toy("vicreg", extra="evaluate: [{use: r2, at: end, with: {data: cifar10}}]")
    )
    named = {
        name: (
            _done(tmp_path / f"{name}1", p, name="a", share=0.6),
            _done(tmp_path / name, p, name="b", share=0.3),
        )
        for name, p in (("photos", BASE), ("images", plan))
    }
    pages = {
        name: " ".join(compared(compare(done), done, width=200).plain.split())
        for name, done in named.items()
    }
    assert "Measured on 60 held-out crops of 3 photos (photos)." in pages["photos"]
    assert "paired, over crops and over photos" in pages["photos"]
    assert "paired, over images." in pages["images"]
    assert "photos" not in pages["images"]


def test_results_of_other_samples_are_not_compared(done: tuple[Done, Done]) -> None:
    base, ours = done
    other = ResultSet((), _result(0.5).facts, {**_result(0.5).arrays, "images": IMAGES[::-1]})
    (evaluated,) = base.results
    moved = Done(
        "base",
        base.plan,
        base.folder,
        (EvaluationResult(evaluated.evaluation, evaluated.step, other),),
    )
    with pytest.raises(UsageError, match="images differ"):
        compare((moved, ours))


def test_the_pull_is_the_last_one_measured(done: tuple[Done, Done]) -> None:
    (pull,) = compare(done).pulls
    assert (pull.name, pull.step) == ("ours", 2)
    assert pull.ratio == pytest.approx(0.1)
    assert [(a.term, a.weight, a.by_lambda, a.reduction) for a in pull.added] == [
        ("recon", 1.0, True, "mean")
    ]


def test_effort_is_what_the_folder_says(done: tuple[Done, Done]) -> None:
    base, ours = compare(done).efforts
    assert (base.samples, base.seconds) == (4 * 8, 2.0)
    assert (base.encoder, ours.encoder) == (1000, 1000)
    assert ours.parameters > base.parameters


def test_the_page_fits_and_wide_tables_are_cut_into_blocks(done: tuple[Done, Done]) -> None:
    comparison = compare(done)
    wide, narrow = (compared(comparison, done, width=w).plain for w in (100, 60))
    assert max(len(line) for line in wide.splitlines() if "/" not in line) <= 100
    assert (wide.count("ours − base"), narrow.count("ours − base")) == (1, 2)
    (value,) = (line for line in wide.splitlines() if line.startswith("ours − base"))
    assert value.split()[-3:] == ["+0.270", "+0.270", "+0.270"]
    text = " ".join(wide.split())
    assert "(recon, λ = 1, mean) is 0.1 times as large as that of the method's own" in text
    paper = "The paper uses λ = 1 over 800 epochs."
    assert paper in text
    elsewhere = replace(comparison, pulls=tuple(replace(p, paper=None) for p in comparison.pulls))
    other = compared(elsewhere, done, width=100).plain
    assert paper not in " ".join(other.split()), "of another card's paper nothing is known"


def test_json_has_no_nan(done: tuple[Done, Done], capsys: pytest.CaptureFixture[str]) -> None:
    base, ours = done
    (evaluated,) = base.results
    nan = Measurement(
        "r2", float("nan"), row="encoder", group=(("family", "rot"), ("border", "any"))
    )
    nothing = ResultSet((nan,), evaluated.result.facts, evaluated.result.arrays)
    odd = Done(
        "base",
        base.plan,
        base.folder,
        (EvaluationResult(evaluated.evaluation, evaluated.step, nothing),),
    )
    comparison = compare((odd, ours))
    Screen().show_json(as_data(comparison, (odd, ours)))
    data = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert data["tables"][0]["rows"][1]["measurements"][0]["value"] is None
    assert "–" in compared(comparison, (odd, ours), width=100).plain


def _evaluated(
    spec: str, *results: tuple[int, ResultSet]
) -> tuple[Plan, tuple[EvaluationResult, ...]]:
    plan = plan_of(load_toy("vicreg", extra=f"evaluate: [{spec}]"))
    (evaluation,) = plan.evaluations
    return plan, tuple(EvaluationResult(evaluation, step, result) for step, result in results)


def _rank(value: float) -> ResultSet:
    metric = Measurement("effective_rank", value, row="encoder")
    facts = {"heldout_images": 60, "heldout_sources": 3}
    return ResultSet((metric,), facts=facts, arrays={"images": IMAGES})


@pytest.mark.parametrize(("rank", "expected"), [(2.4, True), (2.6, False)])
def test_a_rank_below_a_quarter_of_the_untrained_one_is_called_collapsed(
    done: tuple[Done, Done], rank: float, expected: bool
) -> None:
    spec = "{use: effective-rank, at: end}"
    plan, evaluated = _evaluated(spec, (0, _rank(10.0)), (4, _rank(rank)))
    one = Done("ours", plan, done[0].folder, evaluated)
    (table,) = compare((one,)).tables
    remarks = [cell.remark for row in table.table.rows for cell in row.cells.values()]
    assert remarks == ["", "collapsed" if expected else ""]
    page = compared(compare((one,)), (one,), width=100).plain
    lines = page.splitlines()
    assert "`collapsed`: below 0.25 of the untrained encoder's." in " ".join(page.split())
    assert [line.strip() for line in lines].count("collapsed") == expected
    assert next(line.split() for line in lines if line.startswith("ours  ")) == ["ours", str(rank)]


def test_accuracies_stand_by_metric_and_number_of_neighbours(done: tuple[Done, Done]) -> None:
    labels = np.arange(60) % 4
    arrays = {"images": IMAGES, "sources": IMAGES, "labels": labels}
    facts = {"heldout_images": 60, "heldout_sources": 60, "resamples": 1000}
    times = image_resamples(IMAGES, resamples=1000)

    def result(share: int) -> ResultSet:
        measurements: list[Measurement] = []
        rights = {}
        for k in ("20", "10"):
            right = np.arange(60) % 10 < share
            measurements += accuracy_measurements(
                right, labels, times=times, row="encoder", group=(("k", k),)
            )
            rights[f"right/encoder/{k}"] = right
        return ResultSet(tuple(measurements), facts=facts, arrays=arrays | rights)

    spec = "{use: knn, at: end, with: {data: cifar10}}"
    plan, base = _evaluated(spec, (4, result(4)))
    _, ours = _evaluated(spec, (0, result(2)), (4, result(7)))
    folder = done[0].folder
    both = (Done("base", plan, folder, base), Done("ours", plan, folder, ours))
    (table,) = compare(both).tables
    gap = table.table.rows[-1].cells
    assert [round(c.value, 6) for column, c in gap.items() if column.metric == "top1"] == [0.3, 0.3]
    lines = compared(compare(both), both, width=100).plain.splitlines()
    (heads,) = (at for at, line in enumerate(lines) if "top-1" in line)
    assert lines[heads].split() == ["top-1", "mean", "per", "class"] * 2
    assert lines[heads + 1].split() == ["k", "=", "10"] * 2 + ["k", "=", "20"] * 2
    assert any("60 held-out images (cifar10)" in line for line in lines)


def test_controls_stand_between_the_untrained_encoder_and_the_runs(
    done: tuple[Done, Done],
) -> None:
    base, ours = done
    before, after = ours.results
    seen = replace(before, controls={"block-grid": _result(0.95)})
    both = (base, replace(ours, results=(seen, after)))
    (table,) = compare(both).tables
    assert rows(table) == ["untrained", "block-grid", "base", "ours", "ours − base"]


def test_a_protocol_short_of_images_is_named_below_the_table(done: tuple[Done, Done]) -> None:
    base, ours = done
    (found,) = base.results
    sentence = "a batch of 1,024 is more than the 60 training pairs: each epoch is a single step"
    short = replace(found.result, facts={**found.result.facts, "caveats": [sentence]})
    both = (replace(base, results=(replace(found, result=short),)), ours)
    page = " ".join(compared(compare(both), both, width=100).plain.split())
    assert page.count(sentence) == 1
    assert sentence not in " ".join(compared(compare(done), done, width=100).plain.split())
