"""Runs scenarios again and again, killed or failed at another file event every time; a script.

    python -m tests.unit.runs.kill_everywhere FOLDER

Each time a child starts from the same folder and meets a kill, an I/O error or a full disk at its
n-th event on a file, n = 1, 2, … until it comes through. After each the folder must hold what the
scenario promises; a fault must end in an error of ours, or in nothing. Prints how many there were
of each scenario, as JSON.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.compile.types.plan import KeepPlan
from eqspec.errors import EqspecError
from eqspec.runs import checkpoint
from eqspec.runs.artifacts import write_text
from eqspec.runs.environment import collect
from eqspec.runs.folder import Opening, RunFolder, State
from eqspec.runs.journal import Journal, read
from eqspec.runs.live import hold
from eqspec.runs.manifest import Trouble
from eqspec.runs.record import Outcome, Status
from tests.fault_injection import How, Watch, arm, in_child

if TYPE_CHECKING:
    from collections.abc import Callable

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
    state, rule = {"n": step}, KeepPlan(last=keep)
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
        write_text(RunFolder(path).report, text="<p>")
        RunFolder(path).seal(DONE)


def is_sealed_by_the_same_command(path: Path) -> None:
    """As `run` and `eval` do it: what was cut short is finished, what was not begun is sealed."""
    folder = RunFolder.open(path)
    with hold(path):
        folder.finish_sealing()
    if {problem.trouble for problem in folder.verify()} & {Trouble.UNSEALED, Trouble.EXTRA}:
        seal_again(path)
    assert folder.verify() == ()
    record = folder.record()
    assert record is not None
    assert not any(one.record_missing for one in record.history)
    assert not (path / "record.unsealed.json").exists()


def go_on(path: Path) -> None:
    """Unseals, adds a file, seals."""
    with hold(path):
        RunFolder(path).unseal()
        write_text(RunFolder(path).report, text="<p>")
        RunFolder(path).seal(DONE)


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
    "seal": Scenario(create, seal_again, is_sealed_by_the_same_command),
    "seal-again": Scenario(sealed, seal_again, is_sealed_by_the_same_command),
    "go-on": Scenario(sealed, go_on, is_sealed_by_the_same_command),
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

SEALING = ("seal", "seal-again", "go-on")
"""The scenarios that are also failed, not only killed."""


def ended(scenario: Scenario, watch: Watch) -> int:
    """Status of a child that acts: 0 when it met nothing, 1 after an error of ours, else 2."""

    def act() -> int:
        arm(watch)
        try:
            scenario.act(watch.below)
        except EqspecError:
            return 1
        return 0 if watch.at > len(watch.events) else 2

    return in_child(act)


def tried(scenario: Scenario, *, root: Path, how: How) -> int:
    """At how many events it was killed or failed until it came through."""
    before, path = root / "before", root / "run"
    for at in count(1):
        shutil.copytree(before, path)
        status = ended(scenario, Watch(path, how=how, at=at))
        expected = {-signal.SIGKILL} if how is How.KILL else {1, 2}
        assert status in {0, *expected}, f"{how} at event {at}: the child failed: {status}"
        scenario.check(path)
        shutil.rmtree(path)
        if status == 0:
            return at - 1
    raise AssertionError


def all_tried(scenario: Scenario, *, root: Path) -> dict[str, int]:
    """The same for each kind; the faults of whole runs are tried in tests/torture."""
    (root / "before").mkdir(parents=True)
    scenario.prepare(root / "before")
    kinds = (How.KILL, How.EIO, How.FULL) if root.name in SEALING else (How.KILL,)
    return {how: tried(scenario, root=root, how=how) for how in kinds}


if __name__ == "__main__":
    root = Path(sys.argv[1])
    counted = {name: all_tried(one, root=root / name) for name, one in SCENARIOS.items()}
    sys.stdout.write(json.dumps(counted))
