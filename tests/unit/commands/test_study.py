from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.commands.ablate.grid import read_grid
from eqspec.commands.ablate.study import Study, compile_grid, run_progress
from eqspec.commands.planning.stages import Mark
from eqspec.errors import Diagnostic, Severity, SpecError
from eqspec.runs.folder import State
from tests.toy_specs import PATH, toy_text

COMPARE = "compare: {base: {equivariance: none}, wrong: {equivariance.split: 7}}"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """Toys of eight samples per batch, an embedding of 32 features, and a variant that is wrong."""
    path = tmp_path / "toy.yaml"
    path.write_text(toy_text("vicreg", equivariance=PATH, extra=COMPARE))
    return path


def _study(
    spec: Path, *arguments: str, seeds: str | None = None, overrides: tuple[str, ...] = ()
) -> Study:
    grid = read_grid(arguments, seeds=seeds)
    return compile_grid(spec, grid, runs=spec.parent / "runs", overrides=overrides)


def _problems(spec: Path, *arguments: str, overrides: tuple[str, ...] = ()) -> list[Diagnostic]:
    with pytest.raises(SpecError) as caught:
        _study(spec, *arguments, overrides=overrides)
    return [d for d in caught.value.diagnostics if d.severity is Severity.ERROR]


def test_the_whole_grid_with_one_seed_then_with_the_next(spec: Path) -> None:
    study = _study(spec, "lambda=1,5", "split=0.25,0.5", seeds="2", overrides=("seed=3",))
    assert [run.name for run in study.runs] == [
        f"lambda={weight} split={share} s{seed}"
        for seed in (3, 4)
        for weight in (1, 5)
        for share in (0.25, 0.5)
    ]
    assert len({run.plan.recipe for run in study.runs}) == 4
    assert {run.folder.parent for run in study.runs} == {spec.parent / "runs" / "toy"}


def test_listed_seeds_are_those(spec: Path) -> None:
    runs = _study(spec, "lambda=1", seeds="5,2").runs
    assert [run.plan.seed for run in runs] == [5, 2]


def test_a_point_that_says_what_the_spec_says_is_the_specs_own_run(spec: Path) -> None:
    own, other = _study(spec, "split=0.5,0.25").runs
    again = _study(spec, "equivariance.split=0.5").runs[0]
    assert own.folder == again.folder
    assert own.folder != other.folder


def test_points_of_one_recipe_are_one_run(spec: Path) -> None:
    other = _study(spec, "method.with.embed.width=32,64")
    assert len(other.runs) == len(other.points) == 2
    (run,) = _study(spec, "image=32,null").runs  # null takes the photographs' own size
    assert [str(point) for point in run.points] == ["image=32", "image=null"]


def test_an_axis_takes_the_place_of_what_says_the_same(spec: Path) -> None:
    (by_number,) = _study(spec, "d_equi=16").runs
    assert by_number.plan.graph.split == (16, 16)


def test_points_that_do_not_compile_are_told_all_at_once_with_their_places(spec: Path) -> None:
    few, many = _problems(spec, "lambda=1,5", "d_equi=16,32,64")
    for problem, size in ((few, 32), (many, 64)):
        assert problem.location is not None
        assert problem.location.file == "<cli>:--grid #2"
        assert problem.location.excerpt == f"equivariance.d_equi={size}"
        assert problem.notes[-1] == f"at lambda=1 d_equi={size} and 1 other point"


def test_what_is_wrong_with_the_spec_is_told_once(spec: Path) -> None:
    (problem,) = _problems(spec, "lambda=1,5", overrides=("train.bach=3",))
    assert problem.location is not None
    assert problem.location.file == "<cli>:--set #1"
    assert not any(note.startswith("at ") for note in problem.notes)


def test_warnings_say_at_which_points(spec: Path) -> None:
    warnings = {w.code: w for w in _study(spec, "lambda=0,1").warnings}
    assert warnings["EQ501"].notes[-1] == "at lambda=0"
    assert warnings["EQ501"].location is not None
    assert warnings["EQ501"].location.file == "<cli>:--grid #1"


def test_a_spec_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path / "none.yaml", "lambda=1,5")
    assert problem.code == "EQ009"


def test_a_run_that_is_not_there_is_to_be_made(spec: Path) -> None:
    progress = run_progress(_study(spec, "lambda=1").runs[0])
    assert (progress.mark, progress.state, progress.left, progress.problem) == (
        Mark.RUN,
        State.NEW,
        4,
        None,
    )


def test_a_folder_that_cannot_be_read_says_why(spec: Path) -> None:
    (run,) = _study(spec, "lambda=1").runs
    run.folder.mkdir(parents=True)
    (run.folder / "plan.json").write_text("{}")
    (run.folder / "record.json").write_text("garbage")
    progress = run_progress(run)
    assert progress.mark is Mark.CHANGED
    assert progress.problem is not None
    assert "record.json" in progress.problem
