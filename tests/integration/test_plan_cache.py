"""`eqspec plan` traces a graph once: the next time its cost is read, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eqspec.build.cost import trace as tracing
from tests.command_line import ask
from tests.toy_specs import toy_text

ARGV = ("plan", "toy.yaml", "--json")
CODE = """
import sys
from eqspec.cli.main import main
status = main(sys.argv[1:])
sys.exit(status or "torch" in sys.modules)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which a toy's trace lies."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EQSPEC_CACHE", str(tmp_path / "cache"))
    Path("toy.yaml").write_text(toy_text("vicreg"))
    assert ask(*ARGV).status == 0
    return tmp_path / "cache"


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the plans that are traced from here on."""
    names: list[str] = []
    real = tracing.trace

    def noted(plan):
        names.append(plan.name)
        return real(plan)

    monkeypatch.setattr(tracing, "trace", noted)
    return names


def entry(cache: Path) -> Path:
    (path,) = (cache / "traces").iterdir()
    return path


def test_the_second_plan_is_the_first_and_imports_no_torch(cache: Path) -> None:
    first = ask(*ARGV)
    again = subprocess.run([sys.executable, "-c", CODE, *ARGV], capture_output=True, check=False)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == first.data


@pytest.mark.parametrize(
    ("setting", "times"),
    [
        ("seed=1", 0),
        ("machine.workers=3", 0),
        ("machine.micro_batches=2", 1),
        ("train.optimizer={impl: sgd, params: {lr: 0.1}}", 1),
    ],
)
def test_what_costs_something_else_is_traced_again(
    setting: str, times: int, cache: Path, traced: list[str]
) -> None:
    answer = ask(*ARGV, "--set", setting)
    assert answer.status == 0, answer.err
    assert len(traced) == times


@pytest.mark.parametrize("changed", ["source_digest", "package_versions"])
def test_other_code_traces_again(
    changed: str, cache: Path, traced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"source_digest": "0" * 64, "package_versions": {"torch": "0"}}[changed]
    monkeypatch.setattr(f"eqspec.commands.planning.traced_cost.{changed}", lambda *_: other)
    assert ask(*ARGV).status == 0
    assert len(traced) == 1


def _flipped(text: str) -> str:
    at = text.index('"frozen": ') + len('"frozen": ')
    return f"{text[:at]}7{text[at:]}"


DAMAGE = {
    "empty": lambda _: "",
    "cut off": lambda text: text[: len(text) // 2],
    "a number": _flipped,
    "NaN": lambda text: text.replace('"fixed": 0.0', '"fixed": NaN'),
    "no JSON": lambda text: "\x00" + text,
    "deep": lambda _: "[" * 100_000,
    "of another plan": lambda text: text.replace(json.loads(text)["key"], "0" * 64),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_made_anew(damage: str, cache: Path, traced: list[str]) -> None:
    path = entry(cache)
    before = path.read_text()
    assert DAMAGE[damage](before) != before
    path.write_text(DAMAGE[damage](before))
    answer = ask(*ARGV)
    assert answer.status == 0, answer.err
    assert len(traced) == 1
    assert path.read_text() == before


def test_a_folder_that_cannot_be_written_is_done_without(
    cache: Path, monkeypatch: pytest.MonkeyPatch, traced: list[str]
) -> None:
    Path("file").write_text("")
    for nowhere in ("file", "/proc/eqspec", "off"):
        monkeypatch.setenv("EQSPEC_CACHE", nowhere)
        answer = ask(*ARGV)
        assert (answer.status, "cannot" in answer.err) == (0, False)
    assert len(traced) == 3


def test_a_link_or_a_folder_in_its_place_is_no_entry(cache: Path, traced: list[str]) -> None:
    path = entry(cache)
    path.unlink()
    path.mkdir()
    assert ask(*ARGV).status == 0
    assert len(traced) == 1
