"""Plans, specs and cards of strangers, and files that are not to be written over."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eqspec.cli.main import main
from eqspec.commands.planning.plan_files import _seal
from tests.command_line import Answer
from tests.toy_specs import PATH, toy_text

Ask = Callable[..., Answer]
Change = Callable[[dict[str, Any]], None]

EXTRA = "evaluate: [{use: r2_small, at: end}]\n"


@pytest.fixture
def ask(capsys, tmp_path: Path, monkeypatch) -> Ask:
    """Runs a command beside a spec."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.yaml").write_text(toy_text("vicreg", equivariance=PATH, extra=EXTRA))

    def asked(*argv: str) -> Answer:
        status = main(list(argv))
        out, err = capsys.readouterr()
        return Answer(status, out, err)

    return asked


def _plan(**changes: Any) -> Change:
    return lambda data: data["plan"].update(changes)


def _mean(data: dict[str, Any]) -> None:
    data["plan"]["views"]["mean"] = [float("nan")] * 3


def _std(data: dict[str, Any]) -> None:
    data["plan"]["views"]["std"] = [0.0, 0.0, 0.0]


def _evaluation(data: dict[str, Any]) -> None:
    data["plan"]["evaluations"][0]["id"] = "../../../victim/x"


def _batch(data: dict[str, Any]) -> None:
    data["plan"]["train"]["batch"] = 10**15


def _resolved(data: dict[str, Any]) -> None:
    data["plan"]["resolved"]["train"]["batch"] = -1


def _sources(data: dict[str, Any]) -> None:
    data["sources"][0].update(family="../../..", name="../../etc/passwd")


def _overlay(data: dict[str, Any]) -> None:
    data["overlay"] = "/dev"
    data["sources"].append(
        {"kind": "card", "family": "nonsense", "name": "x", "rev": 1, "sha256": "0"}
    )


CHANGES: dict[str, Change] = {
    "name": _plan(name="../../x"),
    "recipe": _plan(recipe="../../../x"),
    "evaluation": _evaluation,
    "nan": _mean,
    "zero-std": _std,
    "batch": _batch,
    "resolved": _resolved,
    "seed": _plan(seed=10**400),
    "sources": _sources,
    "overlay": _overlay,
    "nothing": lambda data: data.clear(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_plan_that_somebody_changed_and_sealed_anew_is_refused(
    change: str, ask: Ask, tmp_path: Path
) -> None:
    assert ask("plan", "toy.yaml", "--no-trace", "-o", "toy.plan").status == 0
    path = tmp_path / "toy.plan"
    data = json.loads(path.read_text())
    del data["sha256"]
    CHANGES[change](data)
    try:
        data["sha256"] = _seal(data)
    except ValueError:  # NaN has no hash
        data["sha256"] = "0"
    path.write_text(json.dumps({"eqspec_plan": 1, **data}))
    for command in ("check", "run"):
        answer = ask(command, "toy.plan", *(("--runs", "runs") if command == "run" else ()))
        assert answer.status == 3
        assert "toy.plan" in answer.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["toy.plan", "toy.yaml"]


def test_a_plan_file_that_was_cut_short_is_to_be_planned_again(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "toy.plan").write_text('{"eqspec_plan": 1, ')
    answer = ask("check", "toy.plan")
    assert answer.status == 3
    assert "help: restore a copy of it, or plan the spec again" in answer.err


def test_a_plan_as_it_was_written_is_right(ask: Ask) -> None:
    assert ask("plan", "toy.yaml", "--no-trace", "-o", "toy.plan").status == 0
    assert ask("check", "toy.plan").status == 0
    assert ask("plan", "toy.yaml", "--no-trace", "-o", "toy.plan").status == 0  # over its own kind


@pytest.mark.parametrize("name", ["...yaml", "..yaml"])
def test_a_spec_whose_name_leads_out_is_refused(name: str, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / name).write_text((tmp_path / "toy.yaml").read_text())
    assert ask("check", name).status in {0, 2}
    if Path(name).stem in {".", ".."}:
        assert "cannot name a spec" in ask("check", name).err


def test_a_card_in_a_spec_names_no_path(ask: Ask, tmp_path: Path) -> None:
    text = (tmp_path / "toy.yaml").read_text()
    body = (
        "{card: evaluation, name: ../../x, rev: 1, about: Leads out of its folder., impl: "
        "effective_rank, params: {rows: [encoder]}}"
    )
    (tmp_path / "toy.yaml").write_text(text.replace("use: r2_small", f"use: {body}"))
    answer = ask("check", "toy.yaml")
    assert answer.status == 2
    assert "../../x" in answer.err


def test_a_card_that_is_a_link_out_of_its_registry_is_refused(ask: Ask, tmp_path: Path) -> None:
    private = tmp_path / "private.txt"
    private.write_text("password: hunter2\n")
    overlay = tmp_path / "registry" / "methods"
    overlay.mkdir(parents=True)
    (overlay / "mine.yaml").symlink_to(private)
    text = (tmp_path / "toy.yaml").read_text()
    (tmp_path / "toy.yaml").write_text(text.replace("use: vicreg,", "use: mine,"))
    answer = ask("check", "toy.yaml")
    assert answer.status == 2
    assert "is a link out of its registry" in answer.err
    assert "hunter2" not in answer.out + answer.err
    overlay.rename(tmp_path / "elsewhere")
    overlay.symlink_to(tmp_path / "elsewhere")
    assert "is a link out of its registry" in ask("check", "toy.yaml").err


@pytest.mark.parametrize(
    "command",
    [
        ("schema", "-o"),
        ("plan", "toy.yaml", "--no-trace", "-o"),
        ("ablate", "toy.yaml", "--grid", "batch=8,16", "--csv"),
    ],
    ids=lambda command: command[0],
)
def test_another_kind_of_file_is_not_written_over(
    command: tuple[str, ...], ask: Ask, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine\n")
    (tmp_path / "link").symlink_to(tmp_path / "not there")
    for name in ("toy.yaml", "mine.txt", "link"):
        before = (tmp_path / name).read_bytes() if name != "link" else None
        answer = ask(*command, name)
        assert answer.status == 2
        assert f"`{name}` already exists and is not a " in answer.err
        assert before is None or (tmp_path / name).read_bytes() == before
    assert not (tmp_path / "not there").exists()
    assert not (tmp_path / "runs").exists()


def test_a_schema_is_written_over_an_older_one(ask: Ask, tmp_path: Path) -> None:
    assert ask("schema", "-o", "s.json").status == 0
    data = json.loads((tmp_path / "s.json").read_text())
    (tmp_path / "s.json").write_text(json.dumps(data | {"title": "older"}))
    assert ask("schema", "-o", "s.json").status == 0
    assert json.loads((tmp_path / "s.json").read_text()) == data


LONG = ".".join(["a"] * 600)


REFUSED = (
    ("check", "toy.yaml", "--set", f"{LONG}=1"),
    ("check", "toy.yaml", "--set", f"evaluate.{'9' * 5000}=1"),
    ("check", "toy.yaml", "--set", f"train.batch={'9' * 400}"),
    ("check", "toy.yaml", "--set", f"train.batch={'9' * 5000}"),
    ("check", "toy.yaml", "--set", f"seed=0x{'f' * 5000}"),
    ("check", "toy.yaml", "--set", "train.length=9999999 steps", "--set", "keep.every=1 step"),
    ("check", "toy.yaml", "--set", "train.length=99 epochs", "--set", "keep.every=0 steps"),
    ("explain", LONG),
    ("explain", "toy.yaml", LONG),
    ("explain", f"train.{'9' * 5000}"),
    ("explain", "toy.yaml", f"evaluate.{'9' * 5000}"),
    ("ablate", "toy.yaml", "--grid", f"{LONG}=1,2"),
    ("ablate", "toy.yaml", "--grid", f"batch={'9' * 400},8"),
    ("ablate", "toy.yaml", "--grid", "batch=8,16", "--seeds", "9" * 400),
    ("check", "/dev/zero"),
    ("check", "pipe"),
    ("run", "pipe"),
    ("plan", "pipe"),
    ("diff", "pipe", "toy.yaml"),
    ("explain", "pipe"),
    ("explain", "pipe", "train.batch"),
    ("show", "pipe"),
)


@pytest.mark.parametrize("at", range(len(REFUSED)), ids=lambda at: f"{at}-{REFUSED[at][0]}")
def test_what_is_long_large_or_no_file_is_refused(at: int, ask: Ask, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    answer = ask(*REFUSED[at])
    assert answer.status == 2
    assert answer.err.startswith("error")
    assert len(answer.err) < 20_000
