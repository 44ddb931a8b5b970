"""The tables of README.md and docs/results/quickstart.md, from a run of specs/quickstart.yaml."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from benchmarks.marked import RESULTS, ROOT, Marks
from eqspec.commands.planning.plans import plan_spec

RECORDED = Path(__file__).with_name("quickstart.json")
TRANSCRIPT = Marks("transcript", RESULTS / "quickstart.md")
SUMMARY = Marks("quickstart", ROOT / "README.md")

SPEC = "specs/quickstart.yaml"
COMMAND = f"eqspec run {SPEC}"
WIDTH = 100

SHOWN = {
    ("rot", "zeros"): "rotation, black corners",
    ("rot", "canvas"): "rotation, no corners",
    ("color", "any"): "colour",
}
"""Columns of README.md."""

TITLES = {
    "untrained": "untrained encoder",
    "plain": "VICReg",
    "lambda0": "VICReg that sees rotated views",
    "quickstart": "… and reconstructs the images between",
}

FOLDERS = "\n\nplain  "
"""Beginning of the list of run folders, with which the transcript ends."""


class Quickstart(BaseModel):
    """The measurements, and how they were made.

    Attributes:
        budget: steps of a training, and samples of each step.
        recipes: trained encoder → the beginning of its recipe id.
        page: what the command prints after the runs, as a screen of `WIDTH` columns.
        tables: the same as data, as `--json` prints it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit: str
    machine: str
    budget: tuple[int, int]
    seed: int
    recipes: dict[str, str]
    page: str
    tables: list[dict[str, Any]]


def measured(runs: Path, *, machine: str) -> Quickstart:
    """Return the measurements of finished runs of the quickstart.

    Args:
        runs: folder of all runs, after `eqspec run specs/quickstart.yaml --runs RUNS`.
        machine: in words.
    """
    planned = plan_spec(ROOT / SPEC)
    page, data = _printed(runs), json.loads(_printed(runs, "--json"))
    train = planned.plan.train
    named = [one["name"] for one in data["runs"]]
    environment = json.loads((Path(data["runs"][-1]["folder"]) / "environment.json").read_text())
    return Quickstart(
        commit=environment["checkout"]["commit"][:7],
        machine=machine,
        budget=(train.steps, train.batch),
        seed=planned.plan.seed,
        recipes=dict(zip(named, (p.recipe[:8] for p in planned.in_order), strict=True)),
        page=page.partition(FOLDERS)[0].strip("\n"),
        tables=data["tables"],
    )


def _printed(runs: Path, *arguments: str) -> str:
    found = subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-m", "eqspec", "run", SPEC, "--runs", str(runs), *arguments],
        cwd=ROOT,
        env={"COLUMNS": str(WIDTH), "PATH": "", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout


def recorded() -> Quickstart:
    """Return the recorded measurements."""
    return Quickstart.model_validate_json(RECORDED.read_text(encoding="utf-8"))


def transcript(run: Quickstart) -> Iterator[str]:
    """Yield what the command printed, as a block of text."""
    yield from ("```text", f"$ {COMMAND}", *run.page.splitlines(), "```")


def summary(run: Quickstart) -> Iterator[str]:
    """Yield the table of README.md."""
    rows = {row["name"]: dict(_values(row["measurements"])) for row in run.tables[0]["rows"]}
    yield f"| | {' | '.join(SHOWN.values())} |"
    yield "|---" * (len(SHOWN) + 1) + "|"
    for name, title in TITLES.items():
        cells = [f"{rows[name][at]['value']:.3f}" for at in SHOWN]
        yield f"| {title} | {' | '.join(cells)} |".replace("-", "−")
    for name, title in (
        ("quickstart − lambda0", "due to the reconstruction"),
        ("lambda0 − plain", "due to the rotated views"),
    ):
        cells = [_difference(rows[name][at]) for at in SHOWN]
        yield f"| {title} | {' | '.join(cells)} |".replace("-", "−")


def _values(
    measurements: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[tuple[str, str], Mapping[str, Any]]]:
    for one in measurements:
        yield (one["group"]["family"], one["group"]["border"]), one


def _difference(one: Mapping[str, Any]) -> str:
    (over,) = (i for i in one["intervals"] if i["over"] == "photos")
    return f"{one['value']:+.3f} [{over['low']:+.2f}, {over['high']:+.2f}]"
