"""Collect the numbers of the table from sealed run folders."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.what_works.rows import rows
from eqspec.commands.planning.schedule import untrained_encoder
from eqspec.commands.running.usage import effort
from eqspec.compile.types.plan import Plan
from eqspec.nn.readouts.measurement import ENCODER
from eqspec.runs import journal
from eqspec.runs.environment import Environment
from eqspec.runs.folder import RunFolder, State
from eqspec.runs.query import run_folders
from eqspec.runs.recorded_plan import recorded_environment
from eqspec.runs.results import result_sets

FOUND = Path(__file__).with_name("found.json")

WINDOW = 10
"""Parts of a training; the first and the last are compared."""


class Numbers(BaseModel):
    """Numbers of one encoder.

    Attributes:
        rank: effective rank of its features.
        r2: family → R² under `canvas`.
        top1: of 20 nearest neighbours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: float
    r2: dict[str, float]
    top1: float


class Found(BaseModel):
    """Numbers of a finished run.

    Attributes:
        encoder: hash of the initial encoder, seed included.
        seconds: wall time of its steps.
        first, last: mean loss of the first and of the last tenth of its steps.
        spread: standard deviation of the loss within the last tenth.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    seed: int
    encoder: str
    commit: str
    cpu: str
    samples: int
    seconds: float
    first: float
    last: float
    spread: float
    trained: Numbers

    @property
    def key(self) -> tuple[str, int]:
        """Recipe and seed."""
        return self.recipe, self.seed

    @property
    def fall(self) -> float:
        """Fall of the loss, in standard deviations of the last tenth."""
        return (self.first - self.last) / self.spread


class Study(BaseModel):
    """All collected numbers.

    Attributes:
        runs: by recipe and seed.
        untrained: `Found.encoder` → its numbers before training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: tuple[Found, ...] = ()
    untrained: dict[str, Numbers] = {}


def collect(roots: Sequence[Path]) -> Study:
    """Return the stored study with the finished runs below some folders added."""
    known = Study.model_validate_json(FOUND.read_text()) if FOUND.exists() else Study()
    wanted = {plan.recipe for row in rows() for plan in (row.plan, row.base) if plan is not None}
    runs = {run.key: run for run in known.runs if run.recipe in wanted}
    untrained = dict(known.untrained)
    for path in (path for root in roots for path in run_folders(root)):
        folder = RunFolder.open(path)
        if folder.identity().recipe not in wanted or folder.state() is not State.FINISHED:
            continue
        if problems := folder.verify():
            raise SystemExit(f"{path} is not as it was sealed: {problems[0]}")
        run = _found(folder)
        runs[run.key] = run
        if (before := _numbers(folder, step=0)) is not None:
            untrained[run.encoder] = before
    used = {run.encoder for run in runs.values()}
    return Study(
        runs=tuple(runs[key] for key in sorted(runs)),
        untrained={key: untrained[key] for key in sorted(untrained) if key in used},
    )


def _found(folder: RunFolder) -> Found:
    plan = Plan.model_validate(folder.plan())
    environment = Environment.model_validate(recorded_environment(folder.path))
    assert environment.checkout is not None, "measured in a checkout"
    assert not environment.checkout.dirty, f"{folder.path} was made by changed code"
    losses = [row.values["loss"] for row in journal.read(folder.metrics) if row.name == "train"]
    part = len(losses) // WINDOW
    trained = _numbers(folder, step=plan.train.steps)
    assert trained is not None, "it is finished"
    return Found(
        recipe=plan.recipe,
        seed=plan.seed,
        encoder=hashlib.sha256(repr(untrained_encoder(plan)).encode()).hexdigest()[:16],
        commit=environment.checkout.commit,
        cpu=environment.cpu,
        samples=plan.train.steps * plan.train.batch,
        seconds=effort(plan.name, plan, folder.path).seconds,
        first=statistics.fmean(losses[:part]),
        last=statistics.fmean(losses[-part:]),
        spread=statistics.stdev(losses[-part:]),
        trained=trained,
    )


def _numbers(folder: RunFolder, *, step: int) -> Numbers | None:
    found = [m for one in result_sets(folder) if one.step == step for m in one.measurements]
    if not found:
        return None
    r2 = {
        m.of("family"): m.value
        for m in found
        if m.name == "r2" and m.row == ENCODER and m.of("border") == "canvas"
    }
    (rank,) = (m.value for m in found if m.name == "effective_rank")
    (top1,) = (m.value for m in found if m.name == "top1" and m.of("k") == "20")
    return Numbers.model_validate({"rank": rank, "r2": r2, "top1": top1})
