"""Script that repeats a run with a kill or a fault at each file event.

    python -m tests.interrupted_runs SPEC FOLDER HOW [--only seal] [--every N]

After each, the same command must finish the run: metrics, weights and results equal those of a run
that was left alone, bit for bit, and the folder is as it was sealed. A fault must end in an error
of ours. Prints a JSON object: how many were tried, and of each that did not hold what was wrong.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import re
import shutil
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

from eqspec.cli.main import main
from eqspec.commands.audit.levels import Level, audit
from eqspec.commands.status.overview import status
from eqspec.errors import EqspecError
from eqspec.runs import checkpoint, live
from eqspec.runs.folder import RunFolder
from tests.fault_injection import How, Watch, arm, in_child

_OURS = re.compile(r"^error: ", re.MULTILINE)


@dataclass(frozen=True)
class Whole:
    """A command, and what a run that is left alone comes to."""

    argv: tuple[str, ...]
    scratch: Path

    def run(self, root: Path, watch: Watch | None = None) -> tuple[int, str]:
        """Exit status of the command with its runs below a folder, and what it said on stderr."""
        reported = self.scratch / "said.txt"
        reported.unlink(missing_ok=True)

        def work() -> int:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as err:
                live._EVERY_S = 0.0  # a heartbeat at every step: the same events on any machine
                if watch is not None:
                    arm(watch)
                status = main([*self.argv, "--runs", str(root)])
            reported.write_text(err.getvalue())
            if watch is not None and watch.how is How.COUNT:
                modules = sorted(sys.modules)
                seen = {"events": watch.events, "modules": modules}
                (self.scratch / "seen.json").write_text(json.dumps(seen))
            return status

        status = in_child(work)
        return status, reported.read_text() if reported.exists() else ""


def content(root: Path) -> dict[str, bytes]:
    """What two runs of one recipe share: metrics, weights, results."""
    patterns = ("*/*/metrics.jsonl", "*/*/checkpoints/*.safetensors", "*/*/evaluations/*.json")
    paths = [path for pattern in patterns for path in root.glob(pattern)]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def folder_of(root: Path) -> RunFolder | None:
    """The run folder, once it has a plan."""
    return next((RunFolder(path.parent) for path in root.glob("*/*/plan.json")), None)


def problems(
    whole: Whole, root: Path, *, how: How, at: int, expected: dict[str, bytes]
) -> list[str]:
    """What is wrong after a kill or a fault, and after the same command again."""
    status_, answer = whole.run(root, Watch(root, how=how, at=at))
    found: list[str] = []
    if how in {How.KILL, How.TORN}:
        if status_ != -signal.SIGKILL:
            found.append(f"not killed: exit {status_}")
    elif (
        status_ not in {0, 1}
        or (status_ == 1 and not _OURS.search(answer))
        or "Traceback" in answer
    ):
        found.append(f"exit {status_}, said: {answer[-800:]}")
    found += _readable(root)
    again, answer = whole.run(root)
    if again != 0:
        return [*found, f"again: exit {again}, said: {answer[-800:]}"]
    if content(root) != expected:
        found.append(f"again: other content, {sorted(content(root))}")
    folder = folder_of(root)
    assert folder is not None, "it is finished"
    held = audit(folder.path, root=root, level=Level.INTACT)
    if not held.holds:
        found.append(f"again: audit says {held.findings}")
    leftover = [path.name for path in folder.path.rglob(".*.tmp")]
    if leftover:
        found.append(f"again: {leftover} left behind")
    return found


def _readable(root: Path) -> list[str]:
    """Whoever only looks is not bothered, and what was saved is there."""
    try:
        status(root)
        folder = folder_of(root)
        if folder is not None:
            audit(folder.path, root=root, level=Level.INTACT)
            for step in checkpoint.steps(folder.checkpoints):
                checkpoint.intact(folder.checkpoints, step=step)
    except (EqspecError, OSError, ValueError) as error:
        return [f"cannot be looked at: {error}"]
    return []


def chosen(events: list[str], *, how: How, only: str | None, every: int) -> list[int]:
    """Numbers of the events at which something is to happen."""
    numbers = list(range(1, len(events) + 1))
    if only == "seal":
        numbers = numbers[_last_log_line(events) :]
    if how is How.TORN:
        numbers = [n for n in numbers if events[n - 1].startswith("write ")]
    return numbers[::every]


def _last_log_line(events: list[str]) -> int:
    """The number of events up to the line `finished` in the log: what follows is sealing."""
    return max(n for n, event in enumerate(events, 1) if _wrote(event, "log.txt"))


def _wrote(event: str, name: str) -> bool:
    """Whether an event is a write to a file of this name, or to what becomes it."""
    what, _, path = event.partition(" ")
    written = path.rpartition("/")[2]
    return what == "write" and (written == name or written.startswith(f".{name}."))


def try_all(whole: Whole, *, how: How, only: str | None, every: int) -> dict[str, object]:
    """Tries the events one after the other."""
    alone = whole.scratch / "alone"
    status_, answer = whole.run(alone, Watch(alone))
    assert status_ == 0, answer
    seen = json.loads((whole.scratch / "seen.json").read_text())
    for name in ("log.txt", "metrics.jsonl", "plan.json", "record.json", "record.sha256"):
        assert any(_wrote(event, name) for event in seen["events"]), f"no write to {name} was seen"
    for name in seen["modules"]:  # a forked child then imports nothing, which is most of its time
        with suppress(Exception):
            importlib.import_module(name)
    expected, failures = content(alone), {}
    numbers = chosen(seen["events"], how=how, only=only, every=every)
    for at in numbers:
        root = whole.scratch / "run"
        if found := problems(whole, root, how=how, at=at, expected=expected):
            failures[f"{how} at event {at}, {seen['events'][at - 1]}"] = found
        shutil.rmtree(root, ignore_errors=True)
    return {"tried": len(numbers), "failures": failures}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("spec")
    parser.add_argument("folder", type=Path)
    parser.add_argument("how", type=How)
    parser.add_argument("--only")
    parser.add_argument("--every", type=int, default=1)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    whole = Whole(("run", given.spec), given.folder)
    counted = try_all(whole, how=given.how, only=given.only, every=given.every)
    sys.stdout.write(json.dumps(counted, indent=1))
