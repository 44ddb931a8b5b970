from __future__ import annotations

import csv
import io
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from eqspec.cli.render.ablate import as_csv, as_data, table
from eqspec.commands.ablate.execute import Ablation, ablation
from eqspec.commands.ablate.grid import read_grid
from eqspec.commands.ablate.study import Study, compile_grid, standing
from eqspec.commands.running.comparison import Done
from eqspec.commands.running.evaluation import Judged
from eqspec.nn.readouts.measurement import Interval, Measurement, ResultSet
from tests.toys import PATH, toy_text

EVALUATE = "evaluate: [{use: r2, at: end}, {use: effective-rank, at: end}]"

SCORES = {("1", 0): 0.25, ("1", 1): 0.5, ("1", 2): 0.75, ("5", 0): 0.125, ("5", 1): 0.375}
"""(λ, seed) → R²; the last run is not there."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    spec = tmp_path_factory.mktemp("study") / "toy.yaml"
    spec.write_text(toy_text("vicreg", equivariance=PATH, extra=EVALUATE))
    return compile_grid(spec, read_grid(["lambda=1,5"], seeds="3"), runs=Path("runs"))


def _done(study: Study) -> dict[Path, Done]:
    done: dict[Path, Done] = {}
    for run in study.runs:
        value = SCORES.get((str(run.points[0]).removeprefix("lambda="), run.plan.seed))
        if value is not None:
            r2, rank = run.plan.evaluations
            judged = (_judged(r2, _r2(value)), _judged(rank, _rank(10 * (1 - value))))
            done[run.folder] = Done(run.name, run.plan, run.folder, judged)
    return done


def _judged(evaluation: object, metrics: tuple[Measurement, ...]) -> Judged:
    return Judged(evaluation, 4, ResultSet(metrics))  # type: ignore[arg-type]


def _r2(value: float) -> tuple[Measurement, ...]:
    """With an undefined one, one of other features, and one that no table shows."""
    group = (("family", "rot"), ("border", "canvas"))
    intervals = tuple(Interval(over, 0.0, 1.0) for over in ("images", "sources"))
    blur = (("family", "blur"), group[1])
    return (
        Measurement("r2", value, row="encoder", group=group, intervals=intervals),
        Measurement("r2", float("nan"), row="encoder", group=blur),
        Measurement("r2", 0.9, row="z_inv", group=group),
        Measurement("r2_constant", 0.0, row="encoder", group=group),
    )


def _rank(value: float) -> tuple[Measurement, ...]:
    return (Measurement("effective_rank", value, row="encoder"),)


@pytest.fixture
def found(study: Study) -> Ablation:
    return ablation(study, _done(study))


def test_cells_are_mean_and_sample_deviation_over_seeds(found: Ablation) -> None:
    r2, _, _ = found.columns
    assert (r2.metric, r2.of) == ("r2", (("family", "rot"), ("border", "canvas")))
    (one, *_), (five, *_) = (row.cells for row in found.rows)
    assert one is not None
    assert five is not None
    assert (one.mean, one.deviation, one.count) == (0.5, 0.25, 3)
    assert (five.mean, five.count) == (0.25, 2)
    assert five.deviation == pytest.approx(statistics.stdev([0.125, 0.375]))
    assert [(row.done, row.seeds) for row in found.rows] == [(3, 3), (2, 3)]


def test_the_highest_mean_of_a_column_is_marked(found: Ablation) -> None:
    marked = [[cell is not None and cell.highest for cell in row.cells] for row in found.rows]
    assert marked == [[True, False, False], [False, False, True]]


def test_numbers_that_are_none_are_left_out(found: Ablation) -> None:
    assert found.columns[1].of[0] == ("family", "blur")
    assert [row.cells[1] for row in found.rows] == [None, None]


def test_one_seed_has_no_deviation(study: Study) -> None:
    alone = {folder: done for folder, done in _done(study).items() if done.plan.seed == 0}
    (cell, *_) = ablation(study, alone).rows[0].cells
    assert cell is not None
    assert (cell.deviation, cell.count) == (None, 1)
    assert "±" not in table(ablation(study, alone), width=100).plain


def test_the_table_as_it_is_printed(found: Ablation) -> None:
    lines = table(found, width=100).plain.splitlines()
    assert [line.rstrip() for line in lines if line.startswith(("lambda", "1", "5"))] == [
        "lambda    n            rot     blur",
        "1         3  0.500 ± 0.250*       –",
        "5       2/3  0.250 ± 0.177        –",
        "lambda    n  effective rank",
        "1         3       5.0 ± 2.5",
        "5       2/3       7.5 ± 1.8*",
    ]
    assert lines[-1].startswith("* the highest of a column. n: seeds, mean ± standard deviation")


def test_a_narrow_table_is_cut_into_blocks(found: Ablation) -> None:
    text = table(found, width=30).plain
    assert text.count("lambda") == 3  # two of R², one of ranks
    assert max(map(len, text.splitlines())) <= 30


def test_a_study_of_nothing_judged_says_so(study: Study) -> None:
    bare = {f: Done(d.name, d.plan, d.folder, ()) for f, d in _done(study).items()}
    assert "No run has been judged" in table(ablation(study, bare), width=100).plain


def test_csv_has_a_line_per_number_and_a_column_per_axis(found: Ablation, study: Study) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(found, study))))
    assert len(rows) == len(SCORES) * 3
    first = rows[0]
    assert first["point"] == "lambda=1"
    assert (first["lambda"], first["seed"], first["metric"]) == ("1", "0", "r2")
    assert (first["of"], first["value"]) == ("family=rot border=canvas", "0.25")
    assert first["folder"] == str(study.runs[0].folder)
    assert first["recipe"] == study.runs[0].plan.recipe
    assert {row["value"] for row in rows if "blur" in row["of"]} == {""}


def _with_untrained(study: Study) -> dict[Path, Done]:
    """The runs that judge their encoder before training have done so; 0.1, 0.2 …"""
    done = _done(study)
    for at, run in enumerate(run for run in study.runs if run.untrained):
        one, r2 = done[run.folder], run.plan.evaluations[0]
        result, control = ResultSet(_r2((at + 1) / 10)), ResultSet(_r2(-0.5))
        before = Judged(r2, 0, result, {"block-grid": control})
        done[run.folder] = replace(one, judged=(*one.judged, before))
    return done


def test_untrained_encoders_and_controls_stand_above_the_points(study: Study) -> None:
    found = ablation(study, _with_untrained(study))
    untrained, control = found.beside
    assert (untrained.name, untrained.seeds, control.name) == ("untrained", 3, "block-grid")
    cell, far = untrained.cells[0], control.cells[0]
    assert cell is not None
    assert far is not None
    assert (cell.mean, cell.count, cell.highest) == (pytest.approx(0.2), 3, False)
    assert cell.deviation == pytest.approx(statistics.stdev([0.1, 0.2, 0.3]))
    assert (far.mean, far.deviation) == (-0.5, 0.0)
    lines = (line.split() for line in table(found, width=100).plain.splitlines())
    firsts = [words[0] for words in lines if words]
    assert [word for word in firsts if word in {"untrained", "block-grid", "1", "5"}][:4] == [
        "untrained",
        "block-grid",
        "1",
        "5",
    ]


def test_what_stands_beside_changes_no_point(study: Study, found: Ablation) -> None:
    with_it = ablation(study, _with_untrained(study))
    assert with_it.rows == found.rows


def test_plain_data_holds_runs_table_and_failures(found: Ablation, study: Study) -> None:
    standings = [standing(run) for run in study.runs]
    data = as_data(study, standings, found=found, failed=[("lambda=5 s2", "no luck")])
    assert [(run["points"], run["seed"]) for run in data["runs"][:2]] == [
        ([{"lambda": 1}], 0),
        ([{"lambda": 5}], 0),
    ]
    assert data["failed"] == [{"run": "lambda=5 s2", "why": "no luck"}]
    (cell,) = (
        c for c in data["table"] if "rot" in c["of"].values() and c["point"] == {"lambda": 1}
    )
    assert (cell["mean"], cell["deviation"], cell["count"]) == (0.5, 0.25, 3)
    assert "table" not in as_data(study, standings)
