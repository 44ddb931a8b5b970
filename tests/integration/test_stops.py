"""What ends a run before its time or sends it elsewhere: nothing is lost, all is explained."""

from __future__ import annotations

import json
import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eqspec.cli.main import main
from eqspec.runs import checkpoint
from eqspec.runs.folder import RunFolder, State
from tests.toy_specs import toy_text

BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 8, depth: 1, heads: 1}}"
)


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "toy.yaml"
    text = toy_text("vicreg", backbone=BACKBONE, batch=4).replace("24, 24, 24", "8, 8")
    path.write_text(text + 'machine: {compile: "off", workers: 0}\n')
    return str(path)


class Runs:
    """The runs of a test, made through the command line."""

    def __init__(self, spec: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.argv = ["run", spec, "--runs", str(root)]
        self.root = root
        self._capsys = capsys

    def __call__(self, *more: str, status: int = 0) -> str:
        """What is said on stderr."""
        argv = ["run", *more] if more and Path(more[0]).is_dir() else [*self.argv, *more]
        assert main(argv) == status
        return self._capsys.readouterr().err

    def next_of_show(self) -> str:
        """What `eqspec show` suggests."""
        assert main(["show", str(self.folder.path), "--runs", str(self.root)]) == 0
        return self._capsys.readouterr().err.splitlines()[-1]

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in (self.root / "toy").iterdir())

    @property
    def folder(self) -> RunFolder:
        (path,) = (self.root / "toy").iterdir()
        return RunFolder.open(path)

    def saved(self) -> tuple[int, ...]:
        return checkpoint.steps(self.folder.checkpoints)


@pytest.fixture
def runs(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Runs:
    return Runs(spec, tmp_path / "kept", capsys)


def log_lines(folder: RunFolder) -> list[str]:
    """The log without its times."""
    return [line[21:] for line in folder.log.read_text().splitlines()]


WILD = "train.optimizer={impl: adamw, params: {lr: 1.0e+38}}"


def test_nan_stops_and_keeps_the_last_checkpoint(runs: Runs) -> None:
    reported = runs("--set", WILD, status=1)
    found = re.search(r"error: the terms `invariance`, .* are nan at step (\d)", reported)
    assert found
    step = int(found[1])
    assert f"the checkpoint of step {step - 1} is kept" in reported
    folder = runs.folder
    assert folder.state() is State.FAILED
    record = folder.record()
    assert record is not None
    assert (record.step, record.reason in reported) == (step - 1, True)
    assert folder.verify() == ()
    assert log_lines(folder)[-1].startswith("failed: the terms")
    before = folder.metrics.read_bytes()

    again = runs("--set", WILD, status=1)
    assert f"has failed: {record.reason}" in again
    assert f"--retry resumes from step {step - 1}" in again
    assert again.splitlines()[-1] == f"next: eqspec show {folder.path}"
    assert "--retry" in runs.next_of_show()

    retried = runs("--set", WILD, "--retry", status=1)
    assert f"from step {step - 1} on" in retried
    assert folder.metrics.read_bytes() == before
    assert folder.verify() == ()
    assert runs.next_of_show().startswith("next: eqspec audit toy/"), "not the same once more"


def test_a_log_tells_what_happened(runs: Runs) -> None:
    runs("--steps", "2")
    runs()
    lines = log_lines(runs.folder)
    assert lines[0].endswith(": 4 steps to do, on cpu, compile off")
    assert "stopped after step 2, which is saved: --steps" in lines
    assert any(line.endswith("continues from step 2 of 4, on cpu, compile off") for line in lines)
    assert lines[-2:] == ["saved the checkpoint of step 4", "finished"]
    assert runs.folder.verify() == ()
    stored = json.loads((runs.folder.path / "environment.json").read_text())
    assert stored["compiled"] is False


@pytest.mark.parametrize("given", [1, 2])
def test_steps_that_are_done_already_are_a_total(runs: Runs, given: int) -> None:
    runs("--steps", "2")
    metrics = runs.folder.metrics.read_bytes()
    reported = runs("--steps", str(given))
    total = f"the run is already at step 2; --steps {given} is the total, not a number of further"
    advice = f"--steps {2 + given} trains {given} more"
    assert total in reported
    assert advice in reported
    assert runs.folder.metrics.read_bytes() == metrics
    assert any(line.startswith(total) for line in log_lines(runs.folder))
    assert "already at step" not in runs("--steps", "3")
    assert runs.folder.state() is State.INTERRUPTED


def test_after_the_steps_that_were_asked_for_all_the_rest_is_suggested(runs: Runs) -> None:
    last = runs("--steps", "2", "--retry").splitlines()[-1]
    assert last.startswith("next: eqspec run ")
    assert last.endswith(" --retry")
    assert "--steps" not in last


@contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """As a disk that fills up: no file of this process may grow beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_without_room_for_a_checkpoint_loses_none(runs: Runs, tmp_path: Path) -> None:
    through = Runs(runs.argv[1], tmp_path / "through", runs._capsys)
    through()
    runs("--steps", "2")
    files = sorted(p.name for p in runs.folder.checkpoints.iterdir())
    weights = (runs.folder.checkpoints / "step-00000002.safetensors").stat().st_size
    with no_file_over(weights - 1):
        reported = runs(status=1)
    assert re.search(r"error: cannot write `.*step-00000003.safetensors`", reported)
    assert sorted(p.name for p in runs.folder.checkpoints.iterdir()) == files
    assert runs.folder.state() is State.INTERRUPTED
    runs()
    assert runs.folder.metrics.read_bytes() == through.folder.metrics.read_bytes()


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_a_place_that_is_no_folder_is_explained(runs: Runs, tmp_path: Path, place: str) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    root = blocked if place == "a file" else blocked / "runs"
    message = runs("--runs", str(root), status=2)
    assert f"--runs needs a folder, but `{blocked}` is a file" in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_may_not_be_written_is_explained(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    message = runs("--runs", str(tmp_path / "locked"), status=1)
    assert "permission denied or read-only" in message


def test_a_time_limit_stops_with_everything_saved(runs: Runs) -> None:
    given = ("--time-limit", "4s", "--steps", "900000", "--retry")
    reported = runs("--set", "train.length=1000000 steps", *given)
    found = re.search(
        r"stopped after step ([\d ,\u202f]+), which is saved \(time limit\)", reported
    )
    assert found
    last = reported.splitlines()[-1]
    assert last.startswith("next: eqspec run ")
    assert last.endswith("--retry --time-limit 4s --steps 900000")
    assert str(runs.saved()[-1]) == re.sub(r"\D", "", found[1])
    assert log_lines(runs.folder)[-1].endswith("which is saved: --time-limit")


def test_again_repeats_what_is_complete_and_goes_on_with_what_is_not(runs: Runs) -> None:
    runs("--again", "--steps", "2")
    (first,) = runs.names
    runs()
    reported = runs("--again", "--steps", "2")
    assert "--again" in reported.splitlines()[-1]
    assert runs.names == [first, f"{first}.2"]
    assert ", from step 2 on" in runs("--again")
    runs("--again")
    assert runs.names == [first, f"{first}.2", f"{first}.3"]
    metrics = {(runs.root / "toy" / n / "metrics.jsonl").read_bytes() for n in runs.names}
    assert len(metrics) == 1
    assert "trained to the end, 4 steps" in runs()


def test_a_folder_goes_on_with_what_changes_no_weights_and_refuses_the_rest(runs: Runs) -> None:
    runs("--steps", "2")
    path = runs.folder.path
    refused = runs(str(path), "--set", "train.batch=8", "--set", "keep.last=1", status=3)
    assert "belongs to another run (there → here):" in refused
    assert "  train.batch: 4 → 8" in refused
    assert "  and 1 that change no weights" in refused
    assert "--fork" in refused
    assert ", from step 2 on" in runs(str(path), "--set", "keep.last=1")
    assert runs.folder.verify() == ()
    assert runs.saved() == (4,)


def test_a_fork_is_a_run_of_its_own_beside_the_folder(runs: Runs) -> None:
    runs("--steps", "2")
    path = runs.folder.path
    message = runs(str(path), "--set", "train.batch=8", "--fork")
    assert "toy: 4 steps in " in message
    assert len(runs.names) == 2
    assert RunFolder.open(path).state() is State.INTERRUPTED
    nothing = runs(str(path), "--set", "keep.last=1", "--fork", status=2)
    assert "there is nothing to fork" in nothing
    assert "`--fork` needs a run folder" in runs("--fork", status=2)


def test_a_run_is_resumed_by_its_name(runs: Runs) -> None:
    runs("--steps", "2")
    name = f"toy/{runs.folder.path.name[:6]}"
    assert main(["run", name, "--runs", str(runs.root)]) == 0
    assert runs.folder.state() is State.FINISHED


def test_the_keep_rule_holds_during_a_run(runs: Runs) -> None:
    runs("--set", "train.length=10 steps", "--set", "keep={last: 1, every: 3 steps}")
    assert runs.saved() == (3, 6, 9, 10)


def test_training_may_start_from_the_weights_of_a_run(runs: Runs, tmp_path: Path) -> None:
    runs("--steps", "2")
    first = runs.folder
    start = f"init_from={first.path}"
    unfinished = runs("--set", start, status=2)
    assert "error[EQ301]" in unfinished
    assert "is not finished" in unfinished
    runs()
    other = Runs(runs.argv[1], tmp_path / "other", runs._capsys)
    assert "toy: 4 steps in " in other("--set", start, "--set", "seed=1")
    recipe = other.folder.identity().recipe
    assert recipe != first.identity().recipe
    resolved = (other.folder.path / "resolved.yaml").read_text()
    assert "step-00000004.safetensors" in resolved
    rows = [json.loads(line)["values"] for line in first.metrics.read_text().splitlines()]
    begun = json.loads(other.folder.metrics.read_text().splitlines()[0])["values"]
    assert begun["lr"] == rows[0]["lr"]
    assert begun["loss"] != rows[0]["loss"]
    assert ", from step" not in other("--set", start, "--set", "seed=1")


def test_weights_that_do_not_fit_make_no_folder(runs: Runs, tmp_path: Path) -> None:
    runs()
    wider = "method.with.embed.width=40"
    other = Runs(runs.argv[1], tmp_path / "other", runs._capsys)
    reported = other("--set", f"init_from={runs.folder.path}", "--set", wider, status=2)
    assert "does not fit:" in reported
    assert "of another shape (`students.embed." in reported
    assert not (tmp_path / "other").exists()
    partial = f"init_from={{weights: {runs.folder.path}, partial: true}}"
    assert "weights from `init_from`: " in other("--set", partial, "--set", wider)
