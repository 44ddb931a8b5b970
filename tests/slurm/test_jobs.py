"""Runs as jobs of a real Slurm cluster, which `make slurm` starts on this machine."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from eqspec.runs.folder import State
from tests.integration.test_devices import spec_in
from tests.interrupted_runs import content, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from eqspec.runs.folder import RunFolder

pytestmark = pytest.mark.slurm


def asked(*command: str) -> str:
    """What a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def eqspec(*arguments: str) -> str:
    """What `eqspec ARGUMENTS` prints."""
    return asked(sys.executable, "-m", "eqspec", *arguments)


def until(holds: Callable[[], bool], *, seconds: float, why: str) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, why
        time.sleep(0.3)


class Submitted:
    """A run that was submitted with two processes."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.runs = folder / "runs"
        more = [part for one in options for part in ("--slurm", one)]
        arguments = ("run", str(spec_in(folder)), "--runs", str(self.runs), "--devices", "2")
        text = eqspec(*arguments, "--launcher", "slurm", *more)
        found = re.match(r"job (\d+): toy$", text.strip())
        assert found, text
        self.job = found[1]

    @property
    def folder(self) -> RunFolder | None:
        """The run's folder, once there is one."""
        return folder_of(self.runs)

    @property
    def state(self) -> str:
        """Of the job, in Slurm's words; empty once Slurm has forgotten it."""
        command = ("squeue", "--noheader", "--format=%T", "--states=all", "--jobs", self.job)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def trains(self, *, beyond: int = 0) -> bool:
        """Whether it has done more than so many steps."""
        folder = self.folder
        return folder is not None and folder.metrics.is_file() and self.steps > beyond

    @property
    def steps(self) -> int:
        """Steps in the journal."""
        assert self.folder is not None
        return self.folder.metrics.read_text().count("\n")

    def finish(self) -> None:
        """Wait until the run is sealed; a job that was queued again waits ten seconds, not minutes.

        Slurm refuses to start it on a machine that has not yet forgotten its last start.
        """
        waits_since: float | None = None

        def sealed() -> bool:
            nonlocal waits_since
            if self.state == "PENDING":
                waits_since = waits_since or time.monotonic()
                if time.monotonic() - waits_since > 10:
                    asked("scontrol", "update", f"JobId={self.job}", "StartTime=now")
            return self.folder is not None and self.folder.state() is State.FINISHED

        until(sealed, seconds=180, why=self.output())

    def output(self) -> str:
        """All that the processes of the job have printed."""
        paths = sorted((self.runs / ".slurm").glob(f"{self.job}_*_log.*"))
        return "\n".join(f"{path.name}:\n{path.read_text()}" for path in paths)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    """A job that nobody disturbed."""
    submitted = Submitted(tmp_path_factory.mktemp("alone"), "time=10m", "partition=main")
    submitted.finish()
    return submitted


def test_a_job_finishes_its_run_on_two_processes(alone: Submitted) -> None:
    assert alone.folder is not None
    assert alone.folder.verify() == ()
    environment = (alone.folder.path / "environment.json").read_text()
    assert '"processes": 2' in environment
    assert "Traceback" not in alone.output()


def test_status_shows_a_job_that_waits(tmp_path: Path) -> None:
    submitted = Submitted(tmp_path, "begin=now+1hour")
    shown = eqspec("status", "--runs", str(submitted.runs))
    assert re.search(rf"{submitted.job}\s+pending\s+toy", shown), shown
    asked("scancel", submitted.job)
    until(lambda: submitted.state in {"", "CANCELLED"}, seconds=30, why="it was cancelled")
    assert submitted.job not in eqspec("status", "--runs", str(submitted.runs))


def test_a_preempted_job_saves_and_is_queued_again(alone: Submitted, tmp_path: Path) -> None:
    submitted = Submitted(tmp_path, "partition=main")
    until(submitted.trains, seconds=120, why=submitted.output())
    asked("srun", "--partition=urgent", "--ntasks=8", "true")
    assert submitted.folder is not None
    assert list(submitted.folder.checkpoints.glob("*.safetensors")), submitted.output()
    submitted.finish()
    assert content(submitted.runs) == content(alone.runs), "bit for bit"


def test_a_job_warned_of_its_end_saves_and_is_queued_again(
    alone: Submitted, tmp_path: Path
) -> None:
    submitted = Submitted(tmp_path)
    until(submitted.trains, seconds=120, why=submitted.output())
    asked("scancel", "--signal=USR1", submitted.job)  # as Slurm does before the end of its time
    until(lambda: submitted.state == "PENDING", seconds=60, why=submitted.output())
    assert submitted.folder is not None
    assert submitted.folder.state() is State.INTERRUPTED
    submitted.finish()
    assert content(submitted.runs) == content(alone.runs)


def test_a_cancelled_job_saves_and_is_not_queued_again(tmp_path: Path) -> None:
    submitted = Submitted(tmp_path)
    until(lambda: submitted.trains(beyond=3), seconds=120, why=submitted.output())
    asked("scancel", submitted.job)
    until(lambda: submitted.state in {"", "CANCELLED"}, seconds=90, why=submitted.output())
    assert submitted.folder is not None
    assert submitted.folder.state() is State.INTERRUPTED
    assert list(submitted.folder.checkpoints.glob("*.safetensors")), "what was done is saved"


def test_a_refused_job_says_why(tmp_path: Path) -> None:
    spec, runs = spec_in(tmp_path), tmp_path / "runs"
    command = ("run", str(spec), "--runs", str(runs), "--launcher", "slurm")
    done = subprocess.run(
        [sys.executable, "-m", "eqspec", *command, "--slurm", "partition=nowhere"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "error: the job was not submitted:" in done.stderr
    assert "partition" in done.stderr
    assert "Traceback" not in done.stderr
