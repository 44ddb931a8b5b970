"""Runs scenarios again and again, killed at another file operation every time; a script.

    python kill_everywhere.py FOLDER

Each time a child starts from the same folder and kills itself with SIGKILL just before its n-th
operation on a file, n = 1, 2, … until it lives to the end. After every kill the folder must hold
what the scenario promises. Prints the number of kills of each scenario as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.runs import checkpoint
from eqspec.runs.environment import collect
from eqspec.runs.folder import Opening, RunFolder, State
from eqspec.runs.journal import Journal, read
from eqspec.runs.keep import Keep
from eqspec.runs.live import hold
from eqspec.runs.record import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATIONS = frozenset({"open", "os.mkdir", "os.remove", "os.rename", "os.truncate"})
ENVIRONMENT = collect(threads=1)
DONE = Outcome(status=Status.FINISHED, step=2)


@dataclass(frozen=True)
class Scenario:
    """What is there at first, what is killed, and what must hold afterwards."""

    prepare: Callable[[Path], object]
    act: Callable[[Path], object]
    check: Callable[[Path], object]


def save(path: Path, *, step: int, keep: int, fill: float = 0.0) -> None:
    import torch  # here: a process without it forks much faster, which the others profit from

    tensors = {"w": torch.full((3,), fill)}
    state, rule = {"n": step}, Keep(last=keep)
    checkpoint.save(path / "checkpoints", step=step, tensors=tensors, state=state, keep=rule)


def has_a_checkpoint(path: Path) -> None:
    loaded = checkpoint.load(path / "checkpoints")
    assert loaded is not None
    assert (loaded.step, loaded.warnings) in {(1, ()), (2, ())}
    assert loaded.state == {"n": loaded.step}


def create(path: Path) -> None:
    opening = Opening(
        spec="schema: 1\n",
        resolved="schema: 1\n",
        plan={"name": "tiny", "recipe": "7f3a9c21", "seed": 0, "train": {"steps": 2}},
        trace={},
        environment=ENVIRONMENT,
    )
    with hold(path):
        RunFolder.create(path, opening=opening)


def is_new_or_can_be_made(path: Path) -> None:
    if not (path / "plan.json").exists():
        create(path)
    folder = RunFolder.open(path)
    assert folder.state() is State.NEW
    folder.guard(recipe="7f3a9c21", seed=0)


def sealed(path: Path) -> None:
    create(path)
    RunFolder(path).seal(DONE)


def seal_again(path: Path) -> None:
    with hold(path):
        RunFolder(path).report.write_text("<p>")
        RunFolder(path).seal(DONE)


def is_finished_and_can_be_sealed(path: Path) -> None:
    folder = RunFolder.open(path)
    assert folder.state() is State.FINISHED
    seal_again(path)
    assert folder.verify() == ()


def journal(path: Path) -> None:
    with Journal(path / "metrics.jsonl") as log:
        for step in (1, 2, 3):
            log.write(step, name="train", values={"loss": 1 / step})


def rewind(path: Path) -> None:
    with Journal(path / "metrics.jsonl") as log:
        log.rewind(1)


def has_the_rows_before(path: Path) -> None:
    rows = [row.step for row in read(path / "metrics.jsonl")]
    assert rows in ([1], [1, 2, 3])


SCENARIOS = {
    "create": Scenario(Path.exists, create, is_new_or_can_be_made),
    "seal-again": Scenario(sealed, seal_again, is_finished_and_can_be_sealed),
    "rewind": Scenario(journal, rewind, has_the_rows_before),
    "save": Scenario(
        lambda path: save(path, step=1, keep=2),
        lambda path: save(path, step=2, keep=1),
        has_a_checkpoint,
    ),
    "save-again": Scenario(
        lambda path: save(path, step=1, keep=1),
        lambda path: save(path, step=1, keep=1, fill=1.0),
        has_a_checkpoint,
    ),
}


def kill_before(operation: int, *, below: Path) -> None:
    """Arms this process to kill itself before its n-th operation on files below a folder."""
    left = operation

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in OPERATIONS and str(arguments[0]).startswith(str(below)):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def kills(scenario: Scenario, *, root: Path) -> int:
    """How often it was killed until it came through."""
    before, path = root / "before", root / "run"
    before.mkdir(parents=True)
    scenario.prepare(before)
    for operation in count(1):
        shutil.copytree(before, path)
        child = os.fork()
        if child == 0:
            kill_before(operation, below=path)
            scenario.act(path)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert status in {0, signal.SIGKILL}, f"the child failed: {status}"
        scenario.check(path)
        shutil.rmtree(path)
        if status == 0:
            return operation - 1
    raise AssertionError


if __name__ == "__main__":
    root = Path(sys.argv[1])
    counted = {name: kills(one, root=root / name) for name, one in SCENARIOS.items()}
    sys.stdout.write(json.dumps(counted))
