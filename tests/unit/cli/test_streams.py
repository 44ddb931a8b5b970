"""Tests of stdout and stderr that are full, closed or of a poor encoding."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eqspec.cli.main import main
from tests.toy_specs import toy_text

ROOT = Path(__file__).parents[3]
EQSPEC = f"{sys.executable} -m eqspec"
FULL = "could not be written to stdout: No space left on device"

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


def shell(line: str, *, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of bash, with the exit status of its first command."""
    settings = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["/bin/bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"],
        cwd=folder,
        env=settings | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@needs_full
@pytest.mark.parametrize("command", [("list", "methods"), ("--help",), ("schema",), ("explain",)])
def test_output_lost_on_a_full_stdout_is_reported(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(list(command)) == 1
    assert FULL in capfd.readouterr().err


def test_a_closed_stdout_is_reported(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["list", "methods"]) == 1
    assert "could not be written to stdout: Bad file descriptor" in capfd.readouterr().err


@needs_full
def test_talk_that_is_lost_changes_no_result(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stderr", full)
        assert main(["list", "methods"]) == 0
        assert main(["check", "nowhere.yaml"]) == 2
    assert "vicreg" in capfd.readouterr().out


def test_a_reader_that_has_enough_is_no_failure(tmp_path: Path) -> None:
    done = shell(f"{EQSPEC} list methods | true", folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert done.stderr.startswith("next: ")


def test_closed_streams_are_not_taken_by_files(tmp_path: Path) -> None:
    """The first file that is opened would become stdout, and get what is printed."""
    wrong = "check nowhere.yaml 0<&- 1>&-"
    assert shell(f"{EQSPEC} {wrong} 2>err", folder=tmp_path).returncode == 2
    assert "could not be written" not in (tmp_path / "err").read_text()  # there was nothing to show
    assert shell(f"{EQSPEC} {wrong} 2>&-", folder=tmp_path).returncode == 2


def test_letters_that_an_encoding_lacks_are_replaced(tmp_path: Path) -> None:
    done = shell(
        f"{EQSPEC} show vicreg",
        folder=tmp_path,
        PYTHONIOENCODING="ascii",
        LC_ALL="C",
        PYTHONUTF8="0",
    )
    assert done.returncode == 0
    assert "?" in done.stdout
    assert done.stdout.isascii()


def test_escapes_of_strangers_never_reach_a_screen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = toy_text("vicreg") + 'about: "\\e]0;OWNED\\a\\e[31m \\u202e [bold]x[/bold]"\n'
    (tmp_path / "x.yaml").write_text(text)
    for command in (["plan"], ["plan", "--json"], ["explain"], ["check"]):
        assert main([command[0], str(tmp_path / "x.yaml"), *command[1:]]) == 0
        shown = "".join(capfd.readouterr())
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)
        assert "[bold]x[/bold]" in shown or "about" not in shown
