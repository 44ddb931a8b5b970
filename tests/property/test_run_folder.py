"""Laws of the run folder: what is cut, flipped or killed is noticed, and nothing is lost."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eqspec.runs import checkpoint
from eqspec.runs.environment import collect
from eqspec.runs.folder import Opening, RunFolder
from eqspec.runs.journal import Journal, read
from eqspec.runs.live import hold
from eqspec.runs.record import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from eqspec.runs.journal import Row

numbers = st.floats(allow_nan=True, allow_infinity=True, width=64)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)


@dataclass(frozen=True)
class Event:
    """What a run writes: at one step, under one name."""

    step: int
    name: str
    values: dict[str, float]


@st.composite
def runs(draw: st.DrawFn) -> list[Event]:
    """The events of a whole run, in order of their steps; a step may have several or none."""
    steps = sorted(draw(st.lists(st.integers(1, 8), max_size=10)))
    values = st.dictionaries(names, numbers, max_size=3)
    return [Event(step, draw(names), draw(values)) for step in steps]


def _write(path: Path, events: Sequence[Event]) -> None:
    path.touch()  # much faster than to have the journal make its file durably
    with Journal(path) as journal:
        for event in events:
            journal.write(event.step, name=event.name, values=event.values)


def _bits(rows: Sequence[Row | Event]) -> list[object]:
    """Rows as something that is equal when they are the same, nan included."""
    return [(row.step, row.name, {k: repr(v) for k, v in row.values.items()}) for row in rows]


@given(events=runs())
def test_a_journal_reads_back_as_it_was_written(
    events: list[Event], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("journal") / "metrics.jsonl"
    _write(path, events)
    assert _bits(list(read(path))) == _bits(events)


@given(events=runs(), data=st.data())
def test_wherever_a_journal_is_cut_it_opens_with_the_rows_that_are_whole(
    events: list[Event], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("journal") / "metrics.jsonl"
    _write(path, events)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)), label="cut")
    path.write_bytes(whole[:cut])
    count = whole[:cut].count(b"\n")
    assert _bits(list(read(path))) == _bits(events[:count])
    with Journal(path) as journal:
        journal.rewind(data.draw(st.integers(0, 9), label="rewind"))
    assert whole.startswith(path.read_bytes())


@given(events=runs(), data=st.data())
def test_a_resumed_journal_has_the_bytes_of_one_that_was_never_stopped(
    events: list[Event], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Saved after some step, killed at any byte after that, resumed from the checkpoint's step."""
    path = tmp_path_factory.mktemp("journal") / "metrics.jsonl"
    saved = data.draw(st.integers(0, 8), label="step of the checkpoint")
    _write(path, [event for event in events if event.step <= saved])
    synced = path.stat().st_size
    _write(path, [event for event in events if event.step > saved])
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(synced, len(whole)), label="kill")])
    with Journal(path) as journal:
        journal.rewind(saved)
    _write(path, [event for event in events if event.step > saved])
    assert path.read_bytes() == whole


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A small folder with a file of every kind, sealed twice."""
    plan = {"name": "tiny", "recipe": "7f3a9c21", "seed": 0, "train": {"steps": 1}}
    opening = Opening(
        spec="schema: 1\n",
        resolved="schema: 1\n",
        plan=plan,
        trace={},
        environment=collect(threads=1),
    )
    folder = RunFolder.create(tmp_path_factory.mktemp("run"), opening=opening)
    _write(folder.metrics, [Event(1, "train", {"loss": 0.5})])
    checkpoint.save(folder.checkpoints, step=1, tensors={"w": torch.ones(2)}, state={"n": 1})
    folder.seal(Outcome(status=Status.FINISHED, step=1))
    folder.report.write_text("<p>")
    folder.seal(Outcome(status=Status.FINISHED, step=1))
    return folder


@given(data=st.data())
def test_a_flipped_byte_in_a_sealed_folder_is_found(sealed: RunFolder, data: st.DataObject) -> None:
    assert sealed.verify() == ()
    files = sorted(path for path in sealed.path.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files), label="file")
    before = path.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1), label="byte")
    flip = data.draw(st.integers(1, 255), label="flip")
    try:
        path.write_bytes(before[:at] + bytes([before[at] ^ flip]) + before[at + 1 :])
        found = {problem.file for problem in sealed.verify()}
    finally:
        path.write_bytes(before)
    name = path.relative_to(sealed.path).as_posix()
    assert ("record.json" if name == "record.sha256" else name) in found


@pytest.fixture(scope="module")
def before_and_after(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Checkpoints of step 1, and the same folder once step 2 is saved as well."""
    before = tmp_path_factory.mktemp("before")
    checkpoint.save(before, step=1, tensors={"w": torch.ones(2)}, state={"n": 1})
    after = tmp_path_factory.mktemp("after") / "checkpoints"
    shutil.copytree(before, after)
    checkpoint.save(after, step=2, tensors={"w": torch.zeros(2)}, state={"n": 2})
    return before, after


ORDER = ("step-00000002.safetensors", "step-00000002.state.pt", "step-00000002.json")


@given(data=st.data())
def test_a_save_that_is_killed_never_loses_the_checkpoint_before(
    before_and_after: tuple[Path, Path],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The files that a save writes, up to a byte of one of them, under its temporary name."""
    before, after = before_and_after
    run = tmp_path_factory.mktemp("run")
    folder = shutil.copytree(before, run / "checkpoints")
    done = data.draw(st.integers(0, 2), label="files done")
    for name in ORDER[:done]:
        shutil.copy(after / name, folder)
    torn = (after / ORDER[done]).read_bytes()
    cut = data.draw(st.integers(0, len(torn)), label="bytes of the next")
    (folder / f".{ORDER[done]}.4711.tmp").write_bytes(torn[:cut])

    with hold(run):
        loaded = checkpoint.load(folder)
        assert loaded is not None
        assert (loaded.step, loaded.state, loaded.warnings) == (1, {"n": 1}, ())
        checkpoint.save(folder, step=2, tensors={"w": torch.zeros(2)}, state={"n": 2})
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        path.name for path in after.iterdir()
    )


@given(data=st.data())
def test_whatever_happens_to_the_newest_checkpoint_the_one_before_is_found(
    before_and_after: tuple[Path, Path],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A machine that loses power may leave a renamed file cut short, or none."""
    _, after = before_and_after
    folder = shutil.copytree(after, tmp_path_factory.mktemp("run") / "checkpoints")
    path = folder / data.draw(st.sampled_from(ORDER), label="file")
    whole = path.read_bytes()
    # At least two bytes go: without its last newline, a JSON file still says all it said.
    cut = data.draw(st.none() | st.integers(0, len(whole) - 2), label="bytes left")
    path.unlink() if cut is None else path.write_bytes(whole[:cut])
    loaded = checkpoint.load(folder)
    assert loaded is not None
    assert (loaded.step, loaded.state) == (1, {"n": 1})
    assert len(loaded.warnings) == (0 if path.suffix == ".json" and cut is None else 1)
