"""Tests of the command suggested after an error, which is never the failed command."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.cli.main import main
from tests.command_line import ask
from tests.toy_specs import toy_text

FAILING = (
    ("check", "wrong.yaml"),
    ("check", "wrong.yaml", "--json"),
    ("check", "wrong.yaml", "--output-format", "github"),
    ("check", "right.yaml", "--data", "nowhere"),
    ("check", "right.yaml", "--set", "train.batch=many"),
    ("check", "no.yaml"),
    ("plan", "wrong.yaml"),
    ("plan", "right.yaml", "--no-trace", "--on", "no-machine"),
    ("run", "wrong.yaml"),
    ("run", "wrong.yaml", "--steps", "3"),
    ("run", "right.yaml", "--fork"),
    ("run", "right.yaml", "--time-limit", "soon"),
    ("ablate", "wrong.yaml", "--grid", "lambda"),
    ("ablate", "right.yaml", "--grid", "no-axis"),
    ("eval", "no-run"),
    ("diff", "no-run", "no-run"),
    ("audit", "no-run"),
    ("audit", "--suite"),
    ("seal", "no-run"),
    ("show", "vicrg"),
    ("list", "method"),
    ("explain", "EQ999"),
    ("explain", "train.bach"),
    ("explain", "right.yaml", "train.bach"),
    ("explain", "wrong.yaml"),
    ("status", "--runs", "right.yaml"),
    ("gc", "--runs", "right.yaml"),
    ("init", "right.yaml"),
    ("chekc", "right.yaml"),
    ("run", "right.yaml", "--stepz", "3"),
)


@pytest.mark.parametrize("argv", FAILING, ids=" ".join)
def test_after_an_error_another_command_is_suggested_or_none(
    argv: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("right.yaml").write_text(toy_text("vicreg"))
    Path("wrong.yaml").write_text(toy_text("vicreg").replace("batch: 8", "batch: none"))
    assert main(list(argv)) in {1, 2, 3}
    err = capsys.readouterr().err
    suggested = [line for line in err.splitlines() if line.startswith("next: ")]
    assert len(suggested) <= 1
    for line in suggested:
        command, *arguments = line.removeprefix("next: eqspec ").split()
        assert (command, *arguments) != argv
        assert command != argv[0] or argv[0] in {"list", "explain"} or "--help" in arguments


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        (("chekc", "right.yaml"), "check"),
        (("list", "method"), "methods"),
        (("show", "vicrg"), "vicreg"),
        (("explain", "train.bach"), "train.batch"),
        (("explain", "right.yaml", "train.bach"), "train.batch"),
        (("explain", "EQ05"), "`EQ"),
    ],
    ids=str,
)
def test_misspelt_names_get_a_suggestion(
    typo: tuple[str, ...],
    meant: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("right.yaml").write_text(toy_text("vicreg"))
    assert main(list(typo)) == 2
    err = capsys.readouterr().err.lower()
    assert "did you mean" in err
    assert meant.lower() in err.partition("did you mean")[2]


WRONG_FOLDERS = (
    ("--data", ""),
    ("--data", "imagefolder=DIR"),
    ("--data", "image-folder=DIR"),
    ("--data", "a", "--data", "b"),
)


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "right.yaml"
    path.write_text(toy_text("vicreg"))
    return str(path)


@pytest.mark.parametrize("command", ["run", "plan", "check"])
@pytest.mark.parametrize("wrong", WRONG_FOLDERS, ids=" ".join)
def test_no_command_repeats_a_wrong_folder(command: str, wrong: tuple[str, ...], spec: str) -> None:
    answer = ask(command, spec, *wrong)
    assert answer.status == 2
    assert "help: " in answer.last
    assert "next: " not in answer.err


@pytest.mark.parametrize("command", ["run", "plan"])
def test_no_command_repeats_an_override_of_a_plan(command: str, spec: str) -> None:
    plan = f"{spec}.plan"
    assert ask("plan", spec, "--no-trace", "-o", plan).status == 0
    answer = ask(command, plan, "--set", "seed=1")
    assert answer.status == 2
    assert "next: " not in answer.err


@pytest.mark.parametrize(
    "more", [(), ("train.batch",), ("train.batch", "--set", "seed=1")], ids=str
)
def test_a_plan_is_shown_by_another_command_than_explain(more: tuple[str, ...], spec: str) -> None:
    plan = f"{spec}.plan"
    assert ask("plan", spec, "--no-trace", "-o", plan).status == 0
    answer = ask("explain", plan, *more)
    assert (answer.status, answer.out) == (2, "")
    assert f"error: `{plan}` is a plan; `eqspec explain` reads specs and run folders" in answer.err
    assert answer.last == f"next: eqspec plan {plan}"


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("run", ("--time-limit", "10")),
        ("run", ("--runs", __file__)),
        ("run", ("--runs", "")),
        ("run", ("--steps", "0")),
        ("plan", ("--no-trace", "--on", "cpu")),
        ("eval", ("--use", "knn", "--spec", "other.yaml")),
        ("audit", ("--runs", __file__)),
        ("ablate", ("--runs", __file__)),
    ],
    ids=str,
)
def test_after_a_wrong_value_of_an_option_the_help_of_its_command_is_suggested(
    command: str, wrong: tuple[str, ...], spec: str
) -> None:
    answer = ask(command, spec, *wrong)
    assert answer.status == 2
    assert answer.last == f"next: eqspec {command} --help"


@pytest.mark.parametrize(
    ("listed", "then"),
    [((), "plan quickstart"), (("specs",), "plan quickstart"), (("methods",), "show ")],
    ids=str,
)
def test_after_a_list_the_first_spec_to_look_at_is_the_quickstart(
    listed: tuple[str, ...], then: str
) -> None:
    assert ask("list", *listed).last.startswith(f"next: eqspec {then}")
