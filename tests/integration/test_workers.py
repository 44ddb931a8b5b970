"""Processes that read images change nothing that is recorded, and end with the run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.command_line import ask
from tests.fake_datasets import save
from tests.toy_specs import toy_text

if TYPE_CHECKING:
    from collections.abc import Callable

BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 8, depth: 1, heads: 1}}"
)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    for i in range(12):
        save(tmp_path / "pictures" / ("val" if i < 3 else "train") / f"{i:02d}.jpg")
    (tmp_path / "pictures" / "train" / "05.jpg").write_bytes(b"\xff\xd8\xff damaged")
    path = tmp_path / "toy.yaml"
    text = toy_text("vicreg", backbone=BACKBONE, batch=4)
    path.write_text(text + 'machine: {compile: "off"}\n')
    return path


def recorded(spec: Path, workers: str) -> tuple[dict[str, bytes], str]:
    """What a run records that its recipe determines, and what was said of a damaged image."""
    runs = spec.parent / f"runs-{workers}"
    places = ("--data", str(spec.parent / "pictures"), "--runs", str(runs))
    answer = ask("run", str(spec), "--set", f"machine.workers={workers}", *places)
    assert answer.status == 0, answer.err
    (folder,) = (runs / "toy").iterdir()
    files = [folder / "metrics.jsonl", *sorted(folder.glob("checkpoints/*.safetensors"))]
    assert len(files) > 1
    named = "\n".join(line for line in answer.err.splitlines() if "05.jpg" in line)
    return {str(f.relative_to(runs)): f.read_bytes() for f in files}, named


def test_metrics_weights_and_damage_are_the_same_with_any_number_of_workers(spec: Path) -> None:
    alone, named = recorded(spec, "0")
    assert "05.jpg" in named
    for workers in ("1", "2", "auto"):
        files, also_named = recorded(spec, workers)
        assert files == alone
        assert re.sub(r"runs-\w+", "", also_named) == re.sub(r"runs-\w+", "", named)


def test_plan_says_how_many_and_why(spec: Path) -> None:
    page = ask("plan", str(spec), "--no-trace").out
    assert "read by no workers (auto: the images are in memory)" in page
    places = ("--data", str(spec.parent / "pictures"))
    page = ask("plan", str(spec), "--no-trace", *places).out
    assert re.search(r"read by (no workers|\d workers?) \(auto: of \d+ cores?\)", page)
    argv = ("plan", str(spec), "--no-trace", "--json", "--set", "machine.workers=2", *places)
    assert ask(*argv).data["workers"] == 2


@pytest.mark.slow
def test_workers_end_when_their_run_is_killed(spec: Path) -> None:
    argv = ["run", str(spec), "--runs", str(spec.parent / "runs"), "--set", "machine.workers=2"]
    command = [sys.executable, "-m", "eqspec", *argv, "--set", "train.length=1000000 steps"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as child:
        _wait_for(lambda: any(spec.parent.glob("runs/*/*/metrics.jsonl")))
        _wait_for(lambda: len(_children(child.pid)) >= 2)
        workers = _children(child.pid)
        child.send_signal(signal.SIGKILL)
    _wait_for(lambda: not any(map(_runs, workers)))


def _wait_for(happened: Callable[[], bool]) -> None:
    late = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < late
        time.sleep(0.1)


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _runs(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
