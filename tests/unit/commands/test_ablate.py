from __future__ import annotations

import csv
import io
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from eqspec.cli.render.ablate import as_csv, as_data, table
from eqspec.commands.ablate.execute import ablation
from eqspec.commands.ablate.grid import read_grid
from eqspec.commands.ablate.study import Study, compile_grid, run_progress
from eqspec.commands.running.comparison import Done
from eqspec.commands.running.evaluation import EvaluationResult
from eqspec.compile.types.plan import EvalPlan
from eqspec.nn.readouts.measurement import EvalProtocol, Interval, Measurement, ResultSet
from eqspec.report.tables.ablation import AblationTable
from eqspec.runs.highest import Highest, highest
from eqspec.runs.tables import Column, Entry, Kind, Table
from tests.toy_specs import PATH, toy_text

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
            evaluated = (_evaluated(r2, _r2(value)), _evaluated(rank, _rank(10 * (1 - value))))
            done[run.folder] = Done(run.name, run.plan, run.folder, evaluated)
    return done


def _evaluated(evaluation: EvalPlan, metrics: tuple[Measurement, ...]) -> EvaluationResult:
    return EvaluationResult(evaluation, 4, _results(evaluation, metrics))


def _results(evaluation: EvalPlan, metrics: tuple[Measurement, ...]) -> ResultSet:
    protocol = EvalProtocol(evaluation=evaluation.name, id=evaluation.id)
    return ResultSet(metrics).measured_by(protocol)


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
def found(study: Study) -> AblationTable:
    return ablation(study, _done(study))


def test_cells_are_mean_and_sample_deviation_over_seeds(found: AblationTable) -> None:
    r2, *_ = found.table.columns
    assert r2 == Column("r2", "r2", (("family", "rot"), ("border", "canvas")))
    one, five = (found.table.row(point.name)[r2] for point in found.points)
    assert (one.value, one.deviation, len(one.values)) == (0.5, 0.25, 3)
    assert (five.value, len(five.values)) == (0.25, 2)
    assert five.deviation == pytest.approx(statistics.stdev([0.125, 0.375]))
    assert [(point.done, point.seeds) for point in found.points] == [(3, 3), (2, 3)]


def test_the_highest_mean_of_a_column_is_marked(found: AblationTable) -> None:
    entries = [
        Entry(point.name, Kind.RUN, Measurement("r2", value + noise, row="encoder"))
        for point, value in zip(found.points, (0.3, 0.2), strict=True)
        for noise in (-0.01, 0.01)
    ]
    text = table(replace(found, table=Table.of(entries)), width=100).plain
    assert [line.split() for line in text.splitlines() if "±" in line][:2] == [
        ["1", "3", "0.300", "±", "0.014*"],
        ["5", "2/3", "0.200", "±", "0.014"],
    ]


def test_the_marked_point_is_the_highest_one_of_json(study: Study, found: AblationTable) -> None:
    entries = [
        Entry(point.name, Kind.RUN, Measurement("r2", value + noise, row="encoder"))
        for point, value in zip(found.points, (0.3, 0.2), strict=True)
        for noise in (-0.01, 0.01)
    ]
    marked = replace(found, table=Table.of(entries))
    progress_of_runs = [run_progress(run) for run in study.runs]
    rows = as_data(study, progress_of_runs, found=marked)["table"]
    assert [(row["point"], row["highest"]) for row in rows] == [
        ({"lambda": 1}, True),
        ({"lambda": 5}, False),
    ]


def test_numbers_of_a_group_are_columns_in_ascending_order() -> None:
    entries = [
        Entry("a", Kind.RUN, Measurement(name, 0.5, row="encoder", group=(("k", k),)))
        for k in ("20", "5", "100")
        for name in ("top1", "mean_per_class")
    ]
    labels = [column.label for column in Table.of(entries).columns]
    assert labels == [f"{name} k={k}" for k in (5, 20, 100) for name in ("top1", "mean_per_class")]


def test_undefined_numbers_are_left_out(found: AblationTable) -> None:
    blur = found.table.columns[1]
    assert blur.group[0] == ("family", "blur")
    assert [found.table.row(point.name)[blur].values for point in found.points] == [(), ()]


def test_one_seed_has_no_deviation(study: Study) -> None:
    alone = {folder: done for folder, done in _done(study).items() if done.plan.seed == 0}
    found = ablation(study, alone)
    cell = found.table.row("lambda=1")[found.table.columns[0]]
    assert (cell.deviation, len(cell.values)) == (None, 1)
    assert "±" not in table(ablation(study, alone), width=100).plain


def test_points_of_different_protocols_share_a_column_and_have_no_highest(study: Study) -> None:
    done = _done(study)
    for folder, one in done.items():
        if one.name.startswith("lambda=5"):
            first, *rest = one.results
            protocol = replace(first.result.protocol, id="r2-other")
            other = replace(first, result=first.result.measured_by(protocol))
            done[folder] = replace(one, results=(other, *rest))
    found = ablation(study, done)
    assert [column.evaluation for column in found.table.columns] == ["r2", "r2", "effective-rank"]
    assert highest(found.table, found.table.columns[0]) == Highest(why_not="protocols differ")
    page = " ".join(table(found, width=100).plain.split())
    assert page.count("The rows were measured by different protocols") == 1


def test_the_table_as_it_is_printed(found: AblationTable) -> None:
    lines = table(found, width=100).plain.splitlines()
    assert [line.rstrip() for line in lines if line.startswith(("lambda", "1", "5"))] == [
        "lambda    n            rot     blur",
        "1         3  0.500 ± 0.250        –",
        "5       2/3  0.250 ± 0.177        –",
        "lambda    n  effective rank",
        "1         3       5.0 ± 2.5",
        "5       2/3       7.5 ± 1.8",
    ]
    page = " ".join(" ".join(lines).split())
    assert "No * for r2 rot canvas: another point is within the noise over seeds." in page
    assert "* the highest of a column, if above its baselines and clearly above every" in page


def test_a_narrow_table_is_cut_into_blocks(found: AblationTable) -> None:
    text = table(found, width=30).plain
    assert text.count("lambda") == 3  # two of R², one of ranks
    assert max(map(len, text.splitlines())) <= 30


def test_a_study_of_nothing_judged_says_so(study: Study) -> None:
    bare = {f: Done(d.name, d.plan, d.folder, ()) for f, d in _done(study).items()}
    assert "No run has been evaluated" in table(ablation(study, bare), width=100).plain


def test_csv_has_a_line_per_number_and_a_column_per_axis(
    found: AblationTable, study: Study
) -> None:
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
        result, control = (_results(r2, _r2(value)) for value in ((at + 1) / 10, -0.5))
        before = EvaluationResult(r2, 0, result, {"block-grid": control})
        done[run.folder] = replace(one, results=(*one.results, before))
    return done


def test_untrained_encoders_and_controls_stand_above_the_points(study: Study) -> None:
    found = ablation(study, _with_untrained(study))
    untrained, control = found.baselines
    r2 = found.table.columns[0]
    assert (untrained.name, control.name) == ("untrained", "block-grid")
    cell, far = untrained.cells[r2], control.cells[r2]
    assert (cell.value, len(cell.values)) == (pytest.approx(0.2), 3)
    assert cell.deviation == pytest.approx(statistics.stdev([0.1, 0.2, 0.3]))
    assert (far.value, far.deviation) == (-0.5, 0.0)
    lines = (line.split() for line in table(found, width=100).plain.splitlines())
    firsts = [words[0] for words in lines if words]
    assert [word for word in firsts if word in {"untrained", "block-grid", "1", "5"}][:4] == [
        "untrained",
        "block-grid",
        "1",
        "5",
    ]


def test_what_stands_beside_changes_no_point(study: Study, found: AblationTable) -> None:
    with_it = ablation(study, _with_untrained(study))
    blur = found.table.columns[1]
    for point in found.points:
        cells, others = found.table.row(point.name), with_it.table.row(point.name)
        assert cells.keys() == others.keys()
        assert all(others[c] == cell for c, cell in cells.items() if c != blur)


def test_plain_data_holds_runs_table_and_failures(found: AblationTable, study: Study) -> None:
    progress_of_runs = [run_progress(run) for run in study.runs]
    data = as_data(study, progress_of_runs, found=found, failed=[("lambda=5 s2", "no luck")])
    assert [(run["points"], run["seed"]) for run in data["runs"][:2]] == [
        ([{"lambda": 1}], 0),
        ([{"lambda": 5}], 0),
    ]
    assert data["failed"] == [{"run": "lambda=5 s2", "why": "no luck"}]
    (cell,) = (
        c for c in data["table"] if "rot" in c["of"].values() and c["point"] == {"lambda": 1}
    )
    assert (cell["mean"], cell["deviation"], cell["count"]) == (0.5, 0.25, 3)
    assert "table" not in as_data(study, progress_of_runs)
