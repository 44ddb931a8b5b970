"""Runs through the command line: what is printed, what is kept, and that no stop loses anything."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from eqspec.cli.main import main
from eqspec.report.strip import STRIP
from eqspec.runs import checkpoint
from eqspec.runs.folder import RunFolder
from tests.command_line import Answer, ask
from tests.toy_specs import PATH, toy_text

ROOT = Path(__file__).parents[2]

BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 16, depth: 1, heads: 2}}"
)

JUDGED = """\
evaluate:
  - use: r2
    at: end
    with:
      families: {rot: {use: rot}, color: {use: color}}
      borders: [reflect, canvas]
      rows: [encoder]
      draws: 1
      train_pairs: 24
      heldout_pairs: 24
      hidden: [8]
      epochs: 1
      batch: 24
      seeds: 1
compare: {base: {equivariance: none}}
"""

HEAVY = ("torch", "torchvision", "timm", "sklearn", "skimage")

LIGHT = (
    ("--help",),
    ("list",),
    ("list", "ops"),
    ("show", "vit"),
    ("check", "quickstart"),
    ("plan", "quickstart", "--no-trace"),
)
"""Command lines that answer without torch."""

CHILD = """
import os, sys
from eqspec.cli.main import main

class Tripwire:
    '''stderr; this process sends itself a signal as soon as it has said a certain word.'''
    def __init__(self, stream, word, number):
        self.stream, self.word, self.number = stream, word, number
    def write(self, text):
        self.stream.write(text)
        if self.word in text:
            os.kill(os.getpid(), self.number)
    def __getattr__(self, name):
        return getattr(self.stream, name)

sys.stderr = Tripwire(sys.stderr, sys.argv[1], int(sys.argv[2]))
sys.exit(main(sys.argv[3:]))
"""


def _child(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, at the top of the repository."""
    command = [sys.executable, "-c", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def _spec(folder: Path, *, extra: str = "", batch: int = 2) -> str:
    text = toy_text("vicreg", equivariance=PATH, backbone=BACKBONE, batch=batch, extra=extra)
    path = folder / "toy.yaml"
    path.write_text(text + 'machine: {compile: "off"}\n')
    return str(path)


def test_what_only_reads_and_plans_never_waits_for_torch() -> None:
    code = f"""
import json, sys
from eqspec.cli.main import main
for argv in {LIGHT!r}:
    assert main(list(argv)) == 0, argv
    heavy = [name for name in {HEAVY!r} if name in sys.modules]
    assert not heavy, (argv, heavy)
"""
    done = _child(code)
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Story:
    """Two steps of a toy and of its base: stopped in between, gone on with, and asked for again.

    Attributes:
        stopped: with `--steps 1`.
        done: by the same command without it.
        again: once more, as JSON.
        judged: with another evaluation.
    """

    root: Path
    stopped: Answer
    done: Answer
    again: Answer
    evaluated: Answer

    def folder(self, name: str) -> Path:
        (path,) = (self.root / name).iterdir()
        return path


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("story")
    spec, root = _spec(folder, extra=JUDGED, batch=8), folder / "kept"
    argv = ("run", spec, "--set", "train.length=2 steps", "--runs", str(root))
    return Story(
        root=root,
        stopped=ask(*argv, "--steps", "1"),
        done=ask(*argv),
        again=ask(*argv, "--json"),
        evaluated=ask(*argv, "--set", "evaluate.0.with.seeds=2", "--json"),
    )


def test_a_run_stops_where_it_is_told(story: Story) -> None:
    assert (story.stopped.status, story.stopped.out) == (0, "")
    for name in ("base", "toy"):
        assert f"{name}: stopped after step 1, which is saved" in story.stopped.err
    last = story.stopped.err.splitlines()[-1]
    assert last.startswith("next: eqspec run ")
    assert "--steps" not in last


def test_a_series_goes_on_and_ends_with_one_table(story: Story) -> None:
    assert story.done.status == 0
    assert "base: 2 steps in " in story.done.err
    assert ", from step 1 on" in story.done.err
    names = {line.split("  ")[0] for line in story.done.out.splitlines()}
    assert {"untrained", "base", "toy", "toy − base"} <= names
    assert "The paper uses λ = 1 over 800 epochs." in " ".join(story.done.out.split())
    assert story.done.err.splitlines()[-1].endswith(f"--set seed=1 --runs {story.root}")


def test_asked_again_it_reads_what_is_there(story: Story) -> None:
    data = json.loads(story.again.out)
    (table,) = data["tables"]
    assert [(row["name"], row["kind"]) for row in table["rows"]] == [
        ("untrained", "baseline"),
        ("block-grid", "baseline"),
        ("base", "run"),
        ("toy", "run"),
        ("toy − base", "difference"),
    ]
    assert [run["folder"] for run in data["runs"]] == [
        str(story.folder(name)) for name in ("toy-base", "toy")
    ]
    assert "toy: trained to the end, 2 steps, in " in story.again.err
    assert "evaluating" not in story.again.err


def test_the_untrained_encoder_is_named_as_such_also_after_the_training(story: Story) -> None:
    lines = story.done.err.splitlines()
    (at,) = (i for i, line in enumerate(lines) if line.endswith("r2, untrained encoder"))
    assert any("step 2 of 2" in line for line in lines[:at])
    log = (story.folder("toy") / "log.txt").read_text()
    for done in ("evaluating", "evaluated"):
        assert re.search(rf"{done} r2-\w+, untrained encoder\n", log)
    assert "before training" not in story.done.err + log


def test_another_evaluation_is_made_without_training_again(story: Story) -> None:
    assert story.evaluated.status == 0
    assert "step 1 of 2" not in story.evaluated.err
    assert "toy: evaluating r2, after step 2" in story.evaluated.err
    assert len(list((story.folder("toy") / "evaluations").glob("*.step-2.json"))) == 2


def test_folders_are_sealed_and_the_strip_is_among_what_is_sealed(story: Story) -> None:
    for name in ("toy", "toy-base"):
        assert RunFolder.open(story.folder(name)).verify() == ()
    assert not (story.folder("toy-base") / STRIP).exists()
    record = RunFolder.open(story.folder("toy")).record()
    assert record is not None
    assert STRIP.as_posix() in record.files
    with Image.open(story.folder("toy") / STRIP) as strip:
        assert strip.width > 7 * 128
        assert strip.height > 6 * 128


class TestAStop:
    """Ctrl-C and kill -9 in the middle of a run, and the same command again."""

    @pytest.fixture(scope="class")
    @classmethod
    def through(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A run that nothing stops."""
        folder = tmp_path_factory.mktemp("through")
        assert main(cls._argv(folder)) == 0
        return cls._folder(folder)

    @staticmethod
    def _argv(folder: Path) -> list[str]:
        length = "train.length=10 steps"
        return ["run", _spec(folder), "--set", length, "--runs", str(folder / "kept")]

    @staticmethod
    def _folder(folder: Path) -> Path:
        (path,) = (folder / "kept" / "toy").iterdir()
        return path

    @pytest.mark.parametrize(
        ("number", "status", "saved"), [(signal.SIGINT, 130, 5), (signal.SIGKILL, -9, 4)]
    )
    def test_loses_nothing(
        self, through: Path, tmp_path: Path, number: int, status: int, saved: int
    ) -> None:
        argv = self._argv(tmp_path)
        stopped = _child(CHILD, "step  5 of 10", str(int(number)), *argv)
        assert stopped.returncode == status, stopped.stderr
        assert stopped.stdout == ""
        path = self._folder(tmp_path)
        assert checkpoint.steps(path / "checkpoints")[-1] == saved
        if number == signal.SIGINT:
            reported = stopped.stderr.splitlines()
            assert reported[-2] == "toy: stopped after step 5, which is saved"
            assert reported[-1].startswith(f"next: eqspec run {argv[1]} ")

        assert main(argv) == 0
        assert (path / "metrics.jsonl").read_bytes() == (through / "metrics.jsonl").read_bytes()
        assert _digest(path) == _digest(through)
        assert RunFolder.open(path).verify() == ()


def _digest(path: Path) -> str:
    found = checkpoint.load(path / "checkpoints")
    assert found is not None
    assert found.step == 10
    return checkpoint.state_digest(found.tensors)
