"""Runs on two processes of this machine: the same numbers, and whatever happens to one of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from eqspec.runs import journal
from eqspec.runs.data_record import load_data
from eqspec.runs.folder import State
from tests.interrupted_runs import content, folder_of
from tests.toy_specs import TINY_BACKBONE, toy_text

STEPS = 60


def spec_in(folder: Path) -> Path:
    """A spec of many short steps, with a path, checkpoints on the way and an evaluation."""
    path = "{use: intermediate-reconstruction, transform: {use: rot}, split: 0.5}"
    text = toy_text("vicreg", equivariance=path, backbone=TINY_BACKBONE, batch=8)
    schedule = "schedule: {impl: warmup_cosine, params: {warmup: 1 steps}}"
    text = text.replace("{length: 4 steps,", f"{{{schedule}, length: {STEPS} steps,")
    spec = folder / "toy.yaml"
    spec.write_text(
        f"""{text}
keep: {{every: 10 steps}}
evaluate:
  - use: r2
    at: end
    with:
      families: {{rot: {{use: rot}}}}
      borders: [canvas]
      controls: []
      draws: 1
      heldout_draws: 1
      hidden: [8]
      epochs: 1
      seeds: 1
"""
    )
    return spec


@dataclass(frozen=True)
class Command:
    """`eqspec run` of a spec on two processes."""

    spec: Path
    runs: Path

    def start(self, *more: str) -> subprocess.Popen[str]:
        """Start it; each process has one thread."""
        arguments = ("run", str(self.spec), "--runs", str(self.runs), "--devices", "2", *more)
        return subprocess.Popen(
            [sys.executable, "-m", "eqspec", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},  # noqa: TID251 - of the child
        )

    def finish(self, *more: str) -> tuple[int, str]:
        """Exit status and stderr, once it has ended."""
        started = self.start(*more)
        _, err = started.communicate(timeout=240)
        return started.returncode, err

    def step(self) -> int:
        """Steps in the journal so far."""
        folder = folder_of(self.runs)
        with suppress(OSError, ValueError):
            if folder is not None:
                return folder.metrics.read_text().count("\n")
        return 0


def ranks_of(started: subprocess.Popen[str]) -> list[int]:
    """Process ids of the ranks, in their order."""
    found: dict[int, int] = {}
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            parent = int((one / "stat").read_text().rpartition(")")[2].split()[1])
            variables = (one / "environ").read_bytes().split(b"\0")
            ranks = [v for v in variables if v.startswith(b"RANK=")]
            if parent == started.pid and ranks:
                found[int(ranks[0].partition(b"=")[2])] = int(one.name)
    return [found[rank] for rank in sorted(found)]


def until(started: subprocess.Popen[str], command: Command, *, step: int) -> None:
    """Wait until a step is in the journal."""
    end = time.monotonic() + 120
    while command.step() < step and started.poll() is None and time.monotonic() < end:
        time.sleep(0.02)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A run on two processes that nobody disturbed."""
    folder = tmp_path_factory.mktemp("alone")
    command = Command(spec_in(folder), folder / "runs")
    status, err = command.finish()
    assert status == 0, err
    return command


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(spec_in(tmp_path), tmp_path / "runs")


def test_two_processes_have_the_numbers_of_one(alone: Command, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "eqspec", "run", str(alone.spec), "--runs", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # noqa: TID251 - of the child
    )
    assert done.returncode == 0, done.stderr
    one, two = folder_of(tmp_path), folder_of(alone.runs)
    assert one is not None
    assert two is not None
    assert two.state() is State.FINISHED
    assert two.verify() == ()
    rows = zip(journal.read(one.metrics), journal.read(two.metrics), strict=True)
    for step, (single, double) in enumerate(rows, start=1):
        for name, value in single.values.items():
            assert double.values[name] == pytest.approx(value, rel=1e-6 if step == 1 else 1e-3)
    weights = [load_file(max(f.checkpoints.glob("*.safetensors"))) for f in (one, two)]
    assert weights[0].keys() == weights[1].keys()
    for name, value in weights[0].items():
        np.testing.assert_allclose(weights[1][name], value, rtol=1e-2, atol=1e-4, err_msg=name)


def test_killed_processes_lose_nothing(alone: Command, command: Command) -> None:
    """Three kills of one process or of the launcher, each further on; then to the end."""
    for victim, step in (("rank 1", 4), ("rank 0", 17), ("launcher", 33)):
        started = command.start()
        until(started, command, step=step)
        ranks = ranks_of(started)
        assert len(ranks) == 2, started.communicate()[1]
        target = started.pid if victim == "launcher" else ranks[int(victim[-1])]
        os.kill(target, signal.SIGKILL)
        _, err = started.communicate(timeout=60)
        assert "Traceback" not in err
        if victim != "launcher":
            assert started.returncode == 1
            assert f"error: {victim} of 2 was killed (SIGKILL)" in err
        _wait_for_end_of(ranks)
    status, err = command.finish()
    assert status == 0, err
    assert content(command.runs) == content(alone.runs), "bit for bit"


@pytest.mark.slow
def test_restarts(alone: Command, command: Command) -> None:
    started = command.start("--max-restarts", "1")
    until(started, command, step=15)
    os.kill(ranks_of(started)[1], signal.SIGKILL)
    _, err = started.communicate(timeout=240)
    assert started.returncode == 0, err
    assert "rank 1 of 2 was killed (SIGKILL). Starting again from the last checkpoint" in err
    assert content(command.runs) == content(alone.runs)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_stop_saves_and_resumes(alone: Command, command: Command, number: signal.Signals) -> None:
    started = command.start()
    until(started, command, step=5)
    started.send_signal(number)
    _, err = started.communicate(timeout=60)
    assert started.returncode == 128 + number, err
    assert "Traceback" not in err
    assert err.count("next: eqspec run") == 1
    folder = folder_of(command.runs)
    assert folder is not None
    assert folder.state() is State.INTERRUPTED
    assert list(folder.checkpoints.glob("*.safetensors")), "what was done is saved"
    status, err = command.finish()
    assert status == 0, err
    assert content(command.runs) == content(alone.runs)


def _wait_for_end_of(processes: list[int]) -> None:
    """The ranks of a launcher that was killed save and stop by themselves."""
    end = time.monotonic() + 30
    while any(Path(f"/proc/{one}").exists() for one in processes):
        assert time.monotonic() < end, "they train on unobserved"
        time.sleep(0.05)


def images_for(command: Command) -> Path:
    """A folder of images that the spec then trains on, without evaluations."""
    images = command.spec.parent / "images"
    images.mkdir()
    for at in range(32):
        pixels = (np.arange(40 * 40 * 3) * (at + 7) % 251).astype(np.uint8)
        Image.fromarray(pixels.reshape(40, 40, 3)).save(images / f"{at:02}.png")
    text = command.spec.read_text().replace("{use: photos}", "{use: image-folder}")
    command.spec.write_text(text.partition("evaluate:")[0])
    return images


def test_what_both_processes_read_is_recorded(command: Command) -> None:
    """Each has read half of every batch; a damaged image is replaced by whichever meets it."""
    images = images_for(command)
    (images / "05.png").write_bytes(b"not an image")
    status, err = command.finish("--data", f"image-folder={images}")
    assert status == 0, err
    assert err.count("Runs to do: toy.") == 1, "only the main process prints"
    folder = folder_of(command.runs)
    assert folder is not None
    known = load_data(folder.path)
    assert known is not None
    assert [one.name for one in known.record.replaced] == ["05.png"]
    held_out = len(known.checksums) - np.count_nonzero(known.checksums)
    assert held_out == 0, "sixty steps read every training image"


def test_the_error_of_one_process_is_shown(command: Command) -> None:
    """A process cannot read its images: one error, no traceback, and an end of both."""
    images = images_for(command)
    started = command.start("--data", f"image-folder={images}")
    until(started, command, step=3)
    for path in images.glob("*"):
        path.unlink()
    _, err = started.communicate(timeout=60)
    assert started.returncode == 1, err
    assert err.count("error: an image has disappeared") == 1, err
    assert "Traceback" not in err
    folder = folder_of(command.runs)
    assert folder is not None
    assert folder.state() is State.INTERRUPTED
