"""Damage in a run folder is explained, and what can be made anew is made anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eqspec.runs.folder import RunFolder
from tests.trained_runs import Runs


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "no arrays": ("npz", Path.unlink),
    "garbage for arrays": ("npz", lambda path: path.write_bytes(b"}{")),
    "arrays cut short": ("npz", cut),
    "an array flipped": ("npz", flip),
    "no numbers": ("json", lambda path: path.write_text("")),
    "garbage for numbers": ("json", lambda path: path.write_text("}{")),
    "empty numbers": ("json", lambda path: path.write_text("{}")),
    "a list for numbers": ("json", lambda path: path.write_text("[]")),
}


@pytest.fixture
def spec(finished: Runs, copied: Runs) -> str:
    return shutil.copy(finished.root.parent / "toy.yaml", copied.root.parent)


def result(runs: Runs, ending: str) -> Path:
    (path,) = runs.folder().glob(f"evaluations/*.step-4.{ending}")
    return path


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_result_is_judged_anew_with_a_word(copied: Runs, spec: str, damage: str) -> None:
    ending, do = DAMAGES[damage]
    before = result(copied, "json").read_bytes()
    do(result(copied, ending))
    done = copied.ask("run", spec)
    assert done.status == 0, done.err
    assert f"after step 4 again (`{result(copied, 'json').stem}.{ending}` " in done.err
    assert result(copied, "json").read_bytes() == before
    assert RunFolder(copied.folder()).verify() == ()


@pytest.mark.parametrize("ending", ["npz", "json"])
def test_eval_judges_anew_and_seals_again(copied: Runs, ending: str) -> None:
    before = result(copied, "json").read_bytes()
    result(copied, ending).write_text("{}")
    done = copied.ask("eval", copied.name())
    assert done.status == 0, done.err
    assert " again (" in done.err
    assert result(copied, "json").read_bytes() == before
    assert RunFolder(copied.folder()).verify() == ()


def test_a_plan_says_that_a_damaged_result_is_to_be_made(copied: Runs, spec: str) -> None:
    whole = copied.ask("plan", spec, "--no-trace", "--json").data
    result(copied, "json").write_text("{}")
    torn = copied.ask("plan", spec, "--no-trace", "--json").data
    assert [s["mark"] for s in whole["stages"]] == ["=", "="]
    assert [s["mark"] == "=" for s in torn["stages"]] == [True, False]


@pytest.mark.parametrize("argv", [("show", "toy/"), ("diff", "toy-base/", "toy/")])
def test_who_only_reads_names_the_file_and_what_to_do(copied: Runs, argv: tuple[str, ...]) -> None:
    result(copied, "json").write_text("{}")
    given = [copied.name(a.strip("/")) if a.endswith("/") else a for a in argv]
    answer = copied.ask(*given)
    assert answer.status == 3
    assert result(copied, "json").name in answer.err
    assert f"help: `eqspec eval {copied.folder()}`" in answer.err


def test_status_goes_on_and_lists_the_damaged_run(copied: Runs) -> None:
    result(copied, "json").write_text("{}")
    answer = copied.ask("status")
    assert answer.status == 0
    assert result(copied, "json").name in answer.out
    assert copied.name("toy-base") in answer.out


def test_a_lost_trace_is_counted_again(copied: Runs, spec: str) -> None:
    whole = copied.ask("run", spec)
    (copied.folder() / "trace.json").unlink()
    (copied.folder() / "record.json").unlink()
    done = copied.ask("run", spec)
    assert (done.status, done.out) == (0, whole.out), done.err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("environment.json", None),
        ("environment.json", ""),
        ("record.json", ""),
        ("record.json", "{}"),
        ("plan.json", ""),
        ("plan.json", "{}"),
    ],
)
@pytest.mark.parametrize("command", ["run", "eval", "show"])
def test_what_cannot_be_made_again_is_refused_with_advice(
    copied: Runs, spec: str, name: str, text: str | None, command: str
) -> None:
    path = copied.folder() / name
    path.unlink() if text is None else path.write_text(text)
    answer = copied.ask(command, spec if command == "run" else str(path.parent))
    assert answer.status == 3, answer.err
    assert name in answer.err
    assert "help: " in answer.err


def test_a_folder_named_like_a_killed_write_blocks_nothing(copied: Runs, spec: str) -> None:
    (copied.folder() / ".foo.tmp").mkdir()
    (copied.folder() / ".bar.tmp").write_text("left behind")
    (copied.folder() / "record.json").unlink()
    done = copied.ask("run", spec)
    assert done.status == 0, done.err
    assert not (copied.folder() / ".bar.tmp").exists()


def test_explain_tells_where_the_values_of_a_run_came_from(copied: Runs) -> None:
    found = copied.folder()
    one = _explained(found, "train.batch")
    assert (one["path"], one["value"]) == ("train.batch", "8")
    assert one["origin"]["text"].endswith("toy.yaml:7")
    several = _explained(found, "evaluate.0.use.params.families")
    assert [leaf["path"].split(".")[-1] for leaf in several] == ["impl", "degrees"]
    assert len(_explained(found)) > 50


@pytest.mark.parametrize(
    "path",
    [
        "train.batch",
        "equivariance.lambda",
        "equivariance.split",
        "evaluate.0.hidden",
        "evaluate.0.with.hidden",
        "method.embed.width",
        "method.variance.weight",
        "backbone.params.depth",
        "train.optimizer.lr",
    ],
)
def test_a_value_of_a_run_is_explained_as_that_of_its_spec(
    copied: Runs, spec: str, path: str
) -> None:
    """Unit, meaning, default and the paper's value are the same; the origin is the recorded one."""
    of_run, of_spec = _explained(copied.folder(), path), _explained(Path(spec), path)
    for key in ("value", "unit", "about", "default", "paper", "changes", "note"):
        assert of_run[key] == of_spec[key], key
    assert of_run["about"] or of_run["card"]
    assert of_run["origin"]["kind"] == of_spec["origin"]["kind"]


def test_a_run_that_this_version_cannot_compile_still_tells_its_values(copied: Runs) -> None:
    plan = copied.folder() / "plan.json"
    text = plan.read_text()
    plan.write_text(text.replace('"reflect"', '"gone"'))
    (leaf,) = _explained(copied.folder(), "train.batch")
    assert leaf["value"] == "8"


def _explained(folder: Path, *path: str) -> Any:
    from tests.command_line import ask

    answer = ask("explain", str(folder), *path, "--json")
    assert answer.status == 0, answer.err
    return answer.data
