"""Case L: a training beside another process that keeps half of the cores busy."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.marked import ROOT
from benchmarks.speed.case import Case, Comparison, Contestant, Facts, Setting, Work
from eqspec.build.cores import usable_cores

ALONE, BUSY = "alone", "beside busy cores"

SETTLED = 5
"""First steps that are left out."""


def contestant(name: str, *, busy: bool) -> Contestant:
    """Return `eqspec run` of the quickstart's spec for some steps, in a process of its own."""

    def prepare(setting: Setting) -> Work:
        steps = {"full": 25, "quick": 15, "toy": 8}[setting.scale]
        runs = setting.folder / name.replace(" ", "-")
        return Work(lambda: turn(runs, steps=steps, busy=busy))

    return Contestant(name, prepare, warm_up=0)


def turn(runs: Path, *, steps: int, busy: bool) -> Facts:
    """Train afresh; return the median seconds of a step."""
    shutil.rmtree(runs, ignore_errors=True)
    others = max(1, usable_cores() // 2) if busy else 0
    command = [sys.executable, "-m", "eqspec", "run", "specs/quickstart.yaml"]
    options = ["--set", "compare={}", "--steps", str(steps), "--runs", str(runs)]
    with ExitStack() as stack:
        for _ in range(others):
            child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(child.wait)
            stack.callback(child.kill)
        subprocess.run([*command, *options], cwd=ROOT, capture_output=True, check=True)  # noqa: S603 - no shell
    (timing,) = runs.glob("*/*/timing.jsonl")
    rows = [json.loads(line) for line in timing.read_text().splitlines()]
    taken = [row["values"]["seconds"] for row in rows if row["name"] == "train"]
    return {"seconds": statistics.median(taken[SETTLED:])}


CASE = Case(
    title="quickstart's training beside a process that keeps half of the cores busy",
    about=(
        "`eqspec run specs/quickstart.yaml`, the median seconds of a step. The bar is 0.6 of the "
        "rate alone."
    ),
    unit="steps",
    contestants=(contestant(ALONE, busy=False), contestant(BUSY, busy=True)),
    comparisons=lambda _: (Comparison(BUSY, ALONE, at_most=1 / 0.6),),
)
