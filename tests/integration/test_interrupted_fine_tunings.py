"""Ctrl-C and SIGKILL during an evaluation's training: the same command goes on to the same bits."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from eqspec.runs import checkpoint
from eqspec.runs.folder import RunFolder
from tests.integration.test_eval import BACKBONE, write_images
from tests.toy_specs import toy_text

ROOT = Path(__file__).parents[2]
STEPS = 120
PROBE = (
    "evaluate: [{use: linear-probe-images, at: end, with: {lrs: [0.01, 0.3], batch: 8, "
    f"length: {STEPS} steps, slice: 0.2, data: image-folder}}}}]\n"
)
COMPARED = (
    "metrics.jsonl",
    "checkpoints/*.safetensors",
    "evaluations/*.json",
    "evaluations/*.npz",
    "evaluations/*/*/metrics.jsonl",
    "evaluations/*/*/checkpoints/*.safetensors",
)
"""What two runs of one recipe share, bit for bit."""


@dataclass(frozen=True)
class Place:
    """A spec whose evaluation trains, and the folder of its images."""

    root: Path

    def command(self, runs: str) -> list[str]:
        spec, images = self.root / "toy.yaml", self.root / "images"
        given = (str(spec), "--data", f"image-folder={images}", "--runs", str(self.root / runs))
        return [sys.executable, "-m", "eqspec", "run", *given]

    def run(self, runs: str) -> str:
        """Run the command to its end; return what it printed on stderr."""
        done = subprocess.run(
            self.command(runs), cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    def interrupt(self, runs: str, number: signal.Signals, *, at: str) -> tuple[int, str]:
        """Run the command and send it a signal at a line of stderr; return status and stderr."""
        lines: list[str] = []
        with subprocess.Popen(
            self.command(runs), cwd=ROOT, stderr=subprocess.PIPE, text=True
        ) as child:
            assert child.stderr is not None
            sent = False
            for line in child.stderr:
                lines.append(line)
                if at in line and not sent:
                    child.send_signal(number)
                    sent = True
        return child.returncode, "".join(lines)

    def folder(self, runs: str) -> RunFolder:
        (path,) = (self.root / runs / "toy").iterdir()
        return RunFolder.open(path)

    def content(self, runs: str) -> dict[str, bytes]:
        path = self.folder(runs).path
        found = [file for pattern in COMPARED for file in path.glob(pattern)]
        return {file.relative_to(path).as_posix(): file.read_bytes() for file in found}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """With an uninterrupted run in `whole`, and what it printed in `stderr.txt`."""
    built = Place(tmp_path_factory.mktemp("interrupted"))
    write_images(built.root / "images")
    extra = PROBE + 'machine: {compile: "off"}'
    text = toy_text("vicreg", backbone=BACKBONE, extra=extra)
    (built.root / "toy.yaml").write_text(text.replace("length: 4 steps", "length: 2 steps"))
    (built.root / "stderr.txt").write_text(built.run("whole"))
    return built


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_same_command_goes_on_to_the_same_bits(place: Place, number: signal.Signals) -> None:
    runs = number.name
    status, reported = place.interrupt(runs, number, at="step  30")
    assert "Traceback" not in reported
    stopped = RunFolder.open(next(place.folder(runs).evaluations.glob("*/step-0")))
    saved = checkpoint.steps(stopped.checkpoints)
    assert saved
    assert saved[-1] < STEPS
    if number is signal.SIGINT:
        assert status == 130
        assert reported.splitlines()[-1].startswith("next: eqspec run ")
        assert f"linear-probe-images stopped after step {saved[-1]}, which is saved" in reported
        assert not list(place.root.glob(f"{runs}/**/.live/*.safetensors"))
    else:
        assert status == -signal.SIGKILL
    place.run(runs)
    assert place.content(runs) == place.content("whole")
    assert place.folder(runs).verify() == ()
    assert not list(place.root.glob(f"{runs}/**/.live/*.safetensors"))
    log = (stopped.path / "log.txt").read_text()
    for step in saved:  # none is done again
        assert log.count(f"saved the checkpoint of step {step}\n") == 1


def test_the_training_reports_its_steps_speed_and_time_left(place: Place) -> None:
    text = " ".join((place.root / "stderr.txt").read_text().split())  # lines may be wrapped
    line = (
        rf"training linear-probe-images, step \d+ of {STEPS}, loss \S+, \S+ samples/s, \S+ \S+ left"
    )
    lines = re.findall(line, text)
    assert len(lines) == 2 * 20  # of the untrained encoder and of the trained one, every 5 %
