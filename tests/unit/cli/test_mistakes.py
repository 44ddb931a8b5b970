"""Tests of mistakes on the command line: a clear error instead of a traceback or a hang."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from eqspec.cli.main import main
from eqspec.registry.places import registry_root
from tests.command_line import Answer
from tests.toy_specs import toy_text

Ask = Callable[..., Answer]


@pytest.fixture
def ask(capsys, tmp_path: Path, monkeypatch) -> Ask:
    """Runs a command beside a spec."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.yaml").write_text(toy_text("vicreg"))

    def asked(*argv: str) -> Answer:
        status = main(list(argv))
        out, err = capsys.readouterr()
        return Answer(status, out, err)

    return asked


LONG = "a" * 5000


def test_an_inaccessible_folder_is_reported(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may search anywhere, so the refusal is made up here."""

    def refuse(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", refuse)
    answer = ask("check", "toy.yaml", "--data", "pictures")
    assert answer.status == 2
    assert "cannot access" in answer.err
    assert "permission denied" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    "argv",
    [
        ("check", LONG),
        ("plan", LONG),
        ("explain", LONG, "train.batch"),
        ("show", LONG),
        ("check", "toy.yaml", "--data", LONG),
        ("plan", "toy.yaml", "--no-trace", "--runs", LONG),
    ],
)
def test_a_path_that_is_too_long_is_refused(ask: Ask, argv: tuple[str, ...]) -> None:
    answer = ask(*argv)
    assert answer.status == 2
    assert "the path is too long: `aaa" in answer.err


@pytest.mark.parametrize("place", [".", "folder"])
def test_a_plan_is_not_written_over_a_folder(ask: Ask, place: str) -> None:
    Path("folder").mkdir()
    answer = ask("plan", "toy.yaml", "--no-trace", "-o", place)
    assert answer.status == 2
    assert f"`--out` needs a file, but `{place}` is a folder" in answer.err


def test_a_table_is_not_written_over_a_folder(ask: Ask) -> None:
    answer = ask("ablate", "toy.yaml", "--grid", "batch=8,16", "--csv", ".")
    assert answer.status == 1
    assert "cannot write `.`: it is a folder" in answer.err


@pytest.mark.parametrize("command", ["check", "plan", "run"])
def test_a_fifo_without_a_writer_is_refused(ask: Ask, command: str) -> None:
    os.mkfifo("pipe.yaml")
    answer = ask(command, "pipe.yaml")
    assert answer.status == 2
    assert "`pipe.yaml` cannot be read: it is a pipe" in answer.err


def test_what_a_shell_pipes_in_is_read(ask: Ask) -> None:
    reads, writes = os.pipe()
    os.write(writes, toy_text("vicreg").encode())
    os.close(writes)
    answer = ask("check", f"/dev/fd/{reads}")
    os.close(reads)
    assert answer.status == 0, answer.err


def test_a_size_set_on_the_command_line_is_where_the_patch_does_not_fit(ask: Ask) -> None:
    answer = ask("check", "toy.yaml", "--set", "image=33", "--json")
    (found,) = answer.data["diagnostics"]
    assert found["file"] == "<cli>:--set #1"
    assert [also["file"] for also in found["also"]] == ["toy.yaml"]


def test_an_entry_past_the_end_of_a_list_is_not_set_there(ask: Ask) -> None:
    answer = ask("check", "toy.yaml", "--set", "evaluate=[]", "--set", "evaluate.9.at=end")
    assert "has no such part" in answer.err
    assert "set here" not in answer.err


@pytest.mark.parametrize("command", [("check",), ("plan", "--no-trace"), ("run",)])
@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("/nope", "there is no folder /nope"),
        ("toy.yaml", "toy.yaml is a file, not a folder"),
        ("empty", "there is no image in empty"),
    ],
)
@pytest.mark.parametrize("data", ["photos", "image-folder", "cifar10"])
def test_data_that_are_not_there_are_a_mistake_of_the_command_line(
    ask: Ask, command: tuple[str, ...], place: str, reason: str, data: str
) -> None:
    Path("empty").mkdir()
    text = toy_text("vicreg").replace("{use: photos}", f"{{use: {data}}}")
    Path("toy.yaml").write_text(text)
    answer = ask(*command, "toy.yaml", "--data", place)
    assert answer.status == 2
    assert reason in answer.err


def test_of_very_many_problems_the_first_are_shown(ask: Ask) -> None:
    Path("toy.yaml").write_text(
        toy_text("vicreg") + "evaluate:\n" + "  - {use: knn, at: nowhere}\n" * 300
    )
    answer = ask("check", "toy.yaml")
    assert answer.status == 2
    every = len(ask("check", "toy.yaml", "--json").data["diagnostics"])
    assert every >= 300
    assert answer.err.count("error[") == 50
    assert f"… and {every - 50} more" in answer.err
    assert f"{every} errors in toy.yaml" in answer.err
    annotated = ask("check", "toy.yaml", "--output-format", "github")
    assert annotated.out.count("::error") == every


def test_a_file_is_not_taken_for_itself(ask: Ask) -> None:
    Path("loop.yaml").symlink_to("loop.yaml")
    answer = ask("check", "loop.yaml")
    assert answer.status == 2
    assert "did you mean `loop.yaml`" not in answer.err


@pytest.mark.parametrize("command", [("plan", "--no-trace"), ("run",), ("status",)])
@pytest.mark.parametrize("runs", ["toy.yaml", "toy.yaml/below"])
def test_runs_cannot_be_kept_in_a_file(ask: Ask, command: tuple[str, ...], runs: str) -> None:
    spec = () if command == ("status",) else ("toy.yaml",)
    answer = ask(*command, *spec, "--runs", runs)
    assert answer.status == 2
    assert "--runs needs a folder, but `toy.yaml` is a file" in answer.err


def test_a_warm_up_that_outlasts_the_training_is_warned_of(ask: Ask) -> None:
    answer = ask("check", "toy.yaml")
    assert answer.status == 0
    assert "warning[EQ506]" in answer.err
    assert "--> toy.yaml:" in answer.err
    card = (registry_root() / "methods" / "vicreg.yaml").read_text().splitlines()
    (line,) = (number for number, text in enumerate(card, start=1) if "warmup:" in text)
    assert f"methods/vicreg.yaml:{line}:" in answer.err
    assert "EQ506" not in ask("check", "toy.yaml", "--set", "train.length=10 epochs").err
    schedule = "train.schedule={impl: warmup_cosine, params: {warmup: 5 steps}}"
    own = ask("check", "toy.yaml", "--set", schedule)
    assert "<cli>:--set #1" in own.err.partition("EQ506")[2]


def test_the_log_explains_why_nothing_is_compiled(ask: Ask, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    answer = ask("run", "toy.yaml", "--steps", "1", "--runs", "runs")
    assert answer.status == 0, answer.err
    (log,) = Path("runs").glob("*/*/log.txt")
    assert "compile off: this machine lacks a C++ compiler (`g++`)" in log.read_text()


@pytest.mark.parametrize("runs", ["", " "])
def test_runs_that_name_no_folder_are_refused(ask: Ask, runs: str) -> None:
    answer = ask("plan", "toy.yaml", "--no-trace", "--runs", runs)
    assert answer.status == 2
    assert "--runs needs a folder, but is empty" in answer.err
    assert ask("plan", "toy.yaml", "--no-trace", "--runs", ".").status == 0


def test_a_quoted_number_gets_a_useful_suggestion(ask: Ask) -> None:
    answer = ask("check", "toy.yaml", "--set", 'schema="1"')
    assert "`schema` must be `1`, not the text `1`" in answer.err
    assert "help: write it without quotes" in answer.err
    assert "did you mean" not in answer.err


def test_only_patches_that_can_be_decoded_are_proposed(ask: Ask) -> None:
    rewrite = "equivariance={use: intermediate-reconstruction, transform: {use: rot}, split: 0.5}"
    plain = ask("check", "toy.yaml", "--set", "image=36")
    assert "a patch that divides 36 (2, 3, 4, 6, 9, 12, 18), or another image size" in plain.err
    decoded = ask("check", "toy.yaml", "--set", "image=36", "--set", rewrite)
    assert "a patch that divides 36 (2, 4), or another image size (32, 40)" in decoded.err
    none = ask("check", "toy.yaml", "--set", "image=33", "--set", rewrite)
    assert "help: another image size (32, 40)" in none.err


def test_a_large_batch_is_written_out(ask: Ask) -> None:
    answer = ask("check", "toy.yaml", "--set", "train.batch=1000000")
    assert "a batch of 1,000,000 does not fit into 989 training images" in answer.err


def test_after_an_error_of_the_data_comes_no_list_of_specs(ask: Ask) -> None:
    Path("damaged").mkdir()
    for at in range(12):
        Path("damaged", f"{at:02}.png").write_bytes(b"no image")
    answer = ask("check", "toy.yaml", "--data", "damaged", "--set", "train.batch=2")
    assert answer.status == 2
    assert "images cannot be read" in answer.err
    assert answer.last == "next: eqspec explain EQ050"


@pytest.mark.parametrize("command", [("check",), ("plan", "--no-trace"), ("run",), ("explain",)])
def test_the_plan_of_a_run_is_named_by_the_run_s_folder(ask: Ask, command: tuple[str, ...]) -> None:
    folder = Path("runs", "toy", "0-s0")
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text('{"plan_schema": 1}')
    (folder / "resolved.yaml").write_text("schema: 1")
    path = ("train.batch",) if command == ("explain",) else ()
    answer = ask(*command, str(folder / "plan.json"), *path)
    assert answer.status == 2
    assert "is the plan of a run, which is named by its folder" in answer.err
    assert f"help: write {folder}" in answer.err
