from __future__ import annotations

import pytest

from eqspec.commands.ablate.grid import MOST, Grid, as_yaml, read_grid
from eqspec.errors import Diagnostic, SpecError


def _points(*arguments: str) -> list[str]:
    return [str(point) for point in read_grid(arguments).points]


def _problems(*arguments: str, seeds: str | None = None) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        read_grid(arguments, seeds=seeds)
    return caught.value.diagnostics


def _only(*arguments: str, seeds: str | None = None) -> Diagnostic:
    (problem,) = _problems(*arguments, seeds=seeds)
    return problem


def test_every_combination_the_last_axis_fastest() -> None:
    assert _points("lambda=1,5", "images=1,2+final") == [
        "lambda=1 images=1",
        "lambda=1 images=2+final",
        "lambda=5 images=1",
        "lambda=5 images=2+final",
    ]


def test_axes_by_name_alone_take_the_papers_values() -> None:
    assert len(_points("lambda,split")) == 15
    assert _points("transform") == ["transform=rot", "transform=trans", "transform=se2"]
    assert len(_points("lambda", "images=2")) == 3


def test_values_are_yaml() -> None:
    (varied,) = read_grid(["train.optimizer={impl: adamw, params: {lr: 1e-3}},null"]).varied
    assert varied.values == ({"impl": "adamw", "params": {"lr": 1e-3}}, None)
    (varied,) = read_grid(["lr=1e-3,'1',1.0e-4 per 256,[1, 2]"]).varied
    assert varied.values == (1e-3, "1", "1.0e-4 per 256", [1, 2])


def test_a_setting_becomes_overrides_that_the_loader_reads_back() -> None:
    (point,) = read_grid(["lr='1'"]).points
    assert point.settings[0].overrides == ('train.optimizer.params.lr="1"',)
    (point,) = read_grid(["d_equi=64"]).points
    assert point.settings[0].overrides == ("equivariance.split=null", "equivariance.d_equi=64")
    assert as_yaml("2+final") == "2+final"
    assert as_yaml("no: 1") == '"no: 1"'
    assert as_yaml({"use": "rot"}) == '{"use": "rot"}'


def test_an_unknown_axis_is_named_with_the_nearest() -> None:
    problem = _only("lambda,lamda")
    assert problem.message == "`lamda` is not an axis"
    assert problem.help == "did you mean `lambda`?"
    assert problem.location is not None
    assert str(problem.location) == "<cli>:--grid #1:1:8"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = _problems("lr", "split=", "lambda=1,1.0", "lambda=2", "machine.workers=1,2", ",")
    assert [problem.message for problem in found] == [
        "the paper has no study of `lr`",
        "`split` has no values",
        "`lambda` has the value `1.0` twice",
        "`machine.workers` does not change what is trained",
        "an axis has no name",
        "an axis has no name",
        "`lambda` is varied twice",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the grid has no axis"),
        (("",), "an axis has no name"),
        (("=",), "an axis has no name"),
        (("lambda=0.1,split",), "`split` is an axis, among the values of another one"),
        (("lambda=0.1,split=0.5",), "`split=0.5` is an axis, among the values of another one"),
        (("lambda,split=0.5",), "`lambda,split` is not an axis"),
        (("split=0.5", "d_equi=64"), "`d_equi` and `split` set the same value"),
        (("evaluate=[]",), "`evaluate` does not change what is trained"),
        (("lambda=true,true",), "`lambda` has the value `true` twice"),
    ],
)
def test_grids_that_are_none(arguments: tuple[str, ...], message: str) -> None:
    assert message in {problem.message for problem in _problems(*arguments)}


def test_values_that_are_no_yaml_are_shown_where_they_stand() -> None:
    problem = _only("lambda=[1")
    assert problem.code == "EQ004"
    assert problem.location is not None
    assert problem.location.file == "<cli>:--grid #1"


def test_too_many_points_are_a_slip_of_the_hand() -> None:
    many = ",".join(map(str, range(MOST + 1)))
    assert (
        _only(f"lambda={many}").message == f"the grid has {MOST + 1:,} points, more than {MOST:,}"
    )


def test_one_and_true_are_two_values() -> None:
    assert len(_points("lambda=1,true")) == 2


def test_points_are_told_apart_whatever_their_values_are() -> None:
    points = read_grid(["lr=1,'1',[1],{a: 1},null,true"]).points
    assert len(set(points)) == 6
    assert [p.settings[0].value for p in points] == [1, "1", [1], {"a": 1}, None, True]


@pytest.mark.parametrize(
    ("text", "grid"),
    [("3", (3, ())), ("0,7", (2, (0, 7))), (" 1 , 2 ", (2, (1, 2))), (None, (1, ()))],
)
def test_seeds_are_a_number_or_a_list(text: str | None, grid: tuple[int, tuple[int, ...]]) -> None:
    read = read_grid(["lambda"], seeds=text)
    assert isinstance(read, Grid)
    assert (read.count, read.seeds) == grid


@pytest.mark.parametrize("text", ["", "0", "x", "-1", "1,", "1,x", "1.5", "1,1", "1001", "9" * 99])
def test_what_are_no_seeds(text: str) -> None:
    problem = _only("lambda", seeds=text)
    assert problem.location is not None
    assert problem.location.file == "<cli>:--seeds"


def test_seeds_are_an_axis_or_replicates() -> None:
    assert _points("seed=1,2") == ["seed=1", "seed=2"]
    assert "given both" in _only("seed=1,2", seeds="2").message
