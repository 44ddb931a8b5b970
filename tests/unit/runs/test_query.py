from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from eqspec.errors import UsageError
from eqspec.runs.folder import RunFolder, State, folder_path
from eqspec.runs.journal import Journal, Row
from eqspec.runs.query import Unreadable, find, summaries
from eqspec.runs.record import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from eqspec.runs.folder import Opening

OTHER = "7fb00000" + "1" * 56


@pytest.fixture
def root(tmp_path: Path, opening: Callable[..., Opening]) -> Path:
    """`tiny` with two seeds and a repeat, `wide` with another recipe."""
    built = [opening(), opening(seed=1), opening(name="wide", recipe=OTHER)]
    runs = [RunFolder.create(tmp_path / "x", opening=one).identity() for one in built[:1]]
    for one in built:
        path = tmp_path / "runs" / str(one.plan["name"])
        recipe = str(one.plan["recipe"])[:8]
        RunFolder.create(path / f"{recipe}-s{one.plan['seed']}", opening=one)
    RunFolder.create(folder_path(tmp_path / "runs", identity=runs[0], repeat=2), opening=built[0])
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("tiny/7f3a9c21-s1", "tiny/7f3a9c21-s1"),
        ("tiny/7f3a9c21-s0", "tiny/7f3a9c21-s0"),
        ("7f3a9c21-s0", "tiny/7f3a9c21-s0"),
        ("7f3a9c21-s0.", "tiny/7f3a9c21-s0.2"),
        ("7fb", "wide/7fb00000-s0"),
        ("wi", "wide/7fb00000-s0"),
        ("wide/", "wide/7fb00000-s0"),
    ],
)
def test_a_run_is_found_by_the_beginning_of_its_name(
    root: Path, reference: str, found: str
) -> None:
    assert find(root, reference=reference) == root / found


def test_a_run_is_found_by_its_path(root: Path, tmp_path: Path) -> None:
    path = root / "wide" / "7fb00000-s0"
    assert find(tmp_path / "elsewhere", reference=str(path)) == path


def test_a_path_that_is_no_run_is_not_looked_for_among_the_runs(root: Path, tmp_path: Path) -> None:
    for path in (root / "wide" / "nowhere", tmp_path):
        with pytest.raises(UsageError, match=r"is not a run folder: it has no plan\.json"):
            find(tmp_path / "elsewhere", reference=str(path))


def test_latest_is_the_run_that_was_last_written_to(root: Path) -> None:
    for path in root.rglob("plan.json"):
        os.utime(path, ns=(0, 0))
    with Journal(root / "tiny" / "7f3a9c21-s1" / "metrics.jsonl"):
        pass
    assert find(root, reference="latest") == root / "tiny" / "7f3a9c21-s1"
    RunFolder.open(root / "wide" / "7fb00000-s0").seal(Outcome(status=Status.FINISHED, step=10))
    assert find(root, reference="latest") == root / "wide" / "7fb00000-s0"


def test_what_could_be_several_runs_is_refused_with_all_of_them(root: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find(root, reference="7f3")
    assert caught.value.message.splitlines()[1:] == [
        "  tiny/7f3a9c21-s0",
        "  tiny/7f3a9c21-s0.2",
        "  tiny/7f3a9c21-s1",
    ]


def test_the_exact_name_of_a_spec_wins_over_longer_ones(
    root: Path, opening: Callable[..., Opening]
) -> None:
    base = RunFolder.create(root / "wide-base" / "7fb00000-s0", opening=opening(name="wide-base"))
    assert find(root, reference="wide") == root / "wide" / "7fb00000-s0"
    assert find(root, reference="wide-base") == base.path
    RunFolder.create(root / "tiny-base" / "7f3a9c21-s0", opening=opening(name="tiny-base"))
    with pytest.raises(UsageError) as caught:
        find(root, reference="tiny")
    assert caught.value.message.splitlines()[1:] == [
        "  tiny/7f3a9c21-s0",
        "  tiny/7f3a9c21-s0.2",
        "  tiny/7f3a9c21-s1",
    ]


def test_what_is_no_run_is_refused_with_a_hint(root: Path) -> None:
    with pytest.raises(UsageError, match="there is no run `tiny/7f3a9c12-s1`") as near:
        find(root, reference="tiny/7f3a9c12-s1")
    assert near.value.help == "did you mean `tiny/7f3a9c21-s1`?"
    with pytest.raises(UsageError) as far:
        find(root, reference="zzz")
    assert far.value.help is not None
    assert far.value.help.startswith("there are: ")
    assert "tiny/7f3a9c21-s1" in far.value.help


@pytest.mark.parametrize("reference", ["latest", "tiny"])
def test_without_runs_the_way_to_one_is_shown(tmp_path: Path, reference: str) -> None:
    with pytest.raises(UsageError, match="there are no runs"):
        find(tmp_path / "none", reference=reference)


def test_summaries_tell_each_run_at_a_glance(root: Path) -> None:
    folder = RunFolder.open(root / "tiny" / "7f3a9c21-s1")
    with Journal(folder.metrics) as journal:
        journal.write(4, name="train", values={"loss": 0.5})
        journal.write(3 + 1, name="knn", values={"top1": 0.25})
    listing = summaries(root)
    assert [(run.name, run.state) for run in listing.runs] == [
        ("tiny/7f3a9c21-s0", State.NEW),
        ("tiny/7f3a9c21-s0.2", State.NEW),
        ("tiny/7f3a9c21-s1", State.INTERRUPTED),
        ("wide/7fb00000-s0", State.NEW),
    ]
    run = listing.runs[2]
    assert (run.spec, run.seed, run.step, run.total) == ("tiny", 1, 4, 10)
    assert run.path == folder.path
    assert run.recipe.startswith("7f3a9c21")
    assert run.metrics == {
        "train": Row(step=4, name="train", values={"loss": 0.5}),
        "knn": Row(step=4, name="knn", values={"top1": 0.25}),
    }
    assert listing.unreadable == ()


def test_a_running_run_may_be_further_than_its_journal(root: Path) -> None:
    folder = RunFolder.open(root / "wide" / "7fb00000-s0")
    with folder.hold() as live:
        assert summaries(root).runs[-1].step == 0
        live._due = 0.0
        live.beat(step=6)
        run = summaries(root).runs[-1]
    assert (run.state, run.step) == (State.RUNNING, 6)


def test_a_damaged_run_does_not_hide_the_others(root: Path) -> None:
    path = root / "tiny" / "7f3a9c21-s0"
    (path / "plan.json").write_text("{")
    listing = summaries(root)
    assert len(listing.runs) == 3
    assert listing.unreadable == (
        Unreadable(
            name="tiny/7f3a9c21-s0",
            path=path,
            reason=f"`{path / 'plan.json'}` is damaged: it does not have the expected format",
        ),
    )


def test_hidden_folders_and_what_lies_inside_a_run_are_no_runs(
    root: Path, opening: Callable[..., Opening]
) -> None:
    RunFolder.create(root / ".trash" / "tiny" / "7f3a9c21-s9", opening=opening())
    RunFolder.create(root / "wide" / "7fb00000-s0" / "evaluations" / "x", opening=opening())
    assert len(summaries(root).runs) == 4


def test_finding_runs_needs_no_torch() -> None:
    code = "import sys, eqspec.runs.query, eqspec.runs.checkpoint; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
