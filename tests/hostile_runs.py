"""A valid run folder, malicious changes to a copy, and the expected reaction of each command."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from eqspec.runs.environment import Environment
from eqspec.runs.folder import Identity, Opening, RunFolder, folder_path
from eqspec.runs.journal import Journal
from eqspec.runs.record import Outcome, Status
from eqspec.spec.dump import write_yaml
from tests.command_line import Answer, ask
from tests.toy_specs import PATH, load_toy, plan_of, toy_text

STEPS = 4
EXTRA = "evaluate: [{use: r2_small, at: end}]\n"


def whole_run(root: Path, *, name: str) -> Path:
    """Write a sealed run folder with a plan, a journal and a result, without torch."""
    plan = plan_of(load_toy("vicreg", equivariance=PATH, extra=EXTRA))
    data = plan.model_dump(mode="json", by_alias=True) | {"name": name}
    path = folder_path(root, identity=Identity.model_validate(data))
    text = toy_text("vicreg", equivariance=PATH, extra=EXTRA)
    opening = Opening(
        spec=text,
        resolved=write_yaml(plan.resolved),
        plan=data,
        trace={"parameters": 12},
        environment=_environment(),
    )
    folder = RunFolder.create(path, opening=opening)
    with folder.hold():
        with Journal(folder.metrics) as metrics, Journal(folder.timing) as timing:
            for step in range(1, STEPS + 1):
                metrics.write(step, name="train", values={"loss": 2.5 - step / 8})
                timing.write(step, name="train", values={"seconds": 1.0, "waited": 0.0})
        folder.log.write_text("2026-01-01 00:00:00  opened\n")
        folder.evaluations.mkdir()
        (id_,) = (evaluation.id for evaluation in plan.evaluations)
        result = {"metrics": [{"name": "r2", "value": 0.5}], "facts": {"rev": 1}}
        (folder.evaluations / f"{id_}.step-{STEPS}.json").write_text(json.dumps(result))
        folder.seal(Outcome(status=Status.FINISHED, step=STEPS))
    return path


def _environment() -> Environment:
    return Environment(
        python="3.11.0",
        platform="Linux",
        host="somewhere",
        cpu="a processor",
        cores=2,
        usable_cores=2,
        memory=2**33,
        accelerators=(),
        packages={},
        checkout=None,
        decoder="pillow",
        threads=1,
    )


STATUSES: Mapping[str, tuple[int, int, int, int]] = MappingProxyType(
    {
        "plan.json-fifo": (3, 3, 3, 2),  # without a file `plan.json` it is no run to explain
        "plan.json-device": (3, 3, 3, 2),
        "plan.json-loop": (3, 3, 3, 2),
        "plan.json-folder": (3, 3, 3, 2),
        "plan": (3, 3, 3, 3),
        "record.json-loop": (0, 3, 0, 0),  # as if it were not sealed
        "record.sha256-loop": (0, 3, 0, 0),
        "record": (3, 3, 3, 0),
        "environment.json": (3, 3, 3, 0),
        "metrics": (3, 3, 3, 0),
        "spec.yaml": (0, 3, 3, 0),
        "resolved.yaml": (0, 3, 3, 0),
        "log.txt": (0, 3, 0, 0),
        "stranger.bin-folder": (0, 0, 0, 0),  # which is empty
        "stranger.bin": (0, 3, 0, 0),
        "result": (3, 3, 3, 0),
        "evaluations-folder-link": (3, 3, 3, 0),
        "data-folder-link": (3, 3, 3, 0),
        "figures-folder-link": (3, 3, 3, 0),
        ".live-folder-link": (3, 3, 3, 0),
        "heartbeat": (0, 0, 0, 0),
    }
)
"""Prefix of the name of a change → exit statuses of `show`, `audit`, `diff` and `explain`."""


def statuses_of(harm: str) -> tuple[int, int, int, int]:
    """Return the expected exit statuses for a change."""
    return next(found for begin, found in STATUSES.items() if harm.startswith(begin))


# --- how it is met


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """What waits for longer fails."""

    def late(*_: object) -> None:
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def beside_a_good_one(two: Path, place: Path) -> Path:
    """A copy of the run `bad`, beside a good one and what is somebody else's."""
    shutil.copytree(two, place / "runs")
    (place / "victim").mkdir()
    (place / "victim" / "file.txt").write_text("private\n")
    (path,) = (place / "runs" / "bad").iterdir()
    return path


def need_met(harm: str, folder: Path) -> None:
    """Check that every command handles a changed run as expected and touches no other file."""
    answers = _answers(folder)
    reported = tuple(answers[name].status for name in ("show", "audit", "diff", "explain"))
    assert reported == statuses_of(harm), reported
    assert (answers["status"].status, answers["gc"].status) == (0, 0)
    assert "good/" in answers["status"].out, "one bad run hides the others"
    # Without a file `plan.json` it is no run at all.
    assert "bad/" in answers["status"].out or harm == "plan.json-folder"
    for answer in answers.values():
        assert not {"\x1b", "\x07", "\u202e"} & set(answer.out + answer.err)
        assert "private" not in answer.out + answer.err
        assert answer.status == 0 or "bad" in answer.err + answer.out
    victim = folder.parents[2] / "victim"
    assert [path.name for path in victim.iterdir()] == ["file.txt"]
    assert (victim / "file.txt").read_text() == "private\n"


def _answers(folder: Path) -> dict[str, Answer]:
    runs = str(folder.parents[1])
    good = str(folder.parents[1] / "good" / folder.name)
    commands = {
        "status": ("status", "--runs", runs),
        "show": ("show", str(folder), "--runs", runs),
        "audit": ("audit", str(folder), "--level", "L0", "--runs", runs),
        "diff": ("diff", str(folder), good, "--runs", runs),
        "explain": ("explain", str(folder)),
        "gc": ("gc", "--runs", runs),
    }
    return {name: ask(*command) for name, command in commands.items()}
