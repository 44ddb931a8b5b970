from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from eqspec.errors import EqspecError, FolderMismatch
from eqspec.runs.artifacts import sha256_of
from eqspec.runs.manifest import Problem, Trouble
from eqspec.runs.record import Outcome, Status
from eqspec.runs.seal import finish, is_unfinished, seal

if TYPE_CHECKING:
    from pathlib import Path

    from eqspec.runs.folder import RunFolder

DONE = Outcome(status=Status.FINISHED, step=10, time=datetime(2026, 11, 22, tzinfo=UTC))


def test_a_sealed_folder_verifies_and_says_how_the_run_ended(folder: RunFolder) -> None:
    record = folder.seal(DONE)
    assert folder.verify() == ()
    assert folder.record() == record
    assert (record.status, record.step, record.previous) == (Status.FINISHED, 10, None)
    assert record.versions["pydantic"] is not None
    assert list(record.files) == [
        "environment.json",
        "plan.json",
        "resolved.yaml",
        "spec.yaml",
        "trace.json",
    ]


def test_the_same_folder_has_the_same_seal(folder: RunFolder, tmp_path: Path) -> None:
    shutil.copytree(folder.path, tmp_path / "copy")
    for path in (folder.path, tmp_path / "copy"):
        seal(path, outcome=DONE, action="run", now=DONE.time)
    hashes = [(path / "record.sha256").read_text() for path in (folder.path, tmp_path / "copy")]
    assert hashes[0] == hashes[1]


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="checks against sha256sum")
def test_the_hash_of_the_record_is_what_sha256sum_checks(folder: RunFolder) -> None:
    folder.seal(DONE)
    command = ["sha256sum", "--check", "--strict", "record.sha256"]
    assert subprocess.run(command, cwd=folder.path, check=True, capture_output=True).returncode == 0


def test_every_kind_of_difference_is_found(folder: RunFolder) -> None:
    assert folder.verify() == (Problem("record.json", Trouble.UNSEALED),)
    folder.seal(DONE)
    (folder.path / "spec.yaml").write_text("other")
    (folder.path / "trace.json").unlink()
    (folder.path / "evaluations").mkdir()
    (folder.path / "evaluations" / "new.json").write_text("{}")
    assert folder.verify() == (
        Problem("evaluations/new.json", Trouble.EXTRA),
        Problem("spec.yaml", Trouble.CHANGED),
        Problem("trace.json", Trouble.MISSING),
    )
    assert str(folder.verify()[2]) == "`trace.json` is missing"


def test_a_changed_record_is_found(folder: RunFolder) -> None:
    folder.seal(DONE)
    path = folder.path / "record.json"
    path.write_text(path.read_text().replace('"step": 10', '"step": 11'))
    assert folder.verify() == (Problem("record.json", Trouble.RECORD),)
    path.write_text("{")
    assert folder.verify() == (Problem("record.json", Trouble.RECORD),)


@pytest.mark.parametrize("data", [b"", b"\xff", b"0" * 64 + b"  record.json\n"])
def test_a_changed_hash_of_the_record_is_found(folder: RunFolder, data: bytes) -> None:
    folder.seal(DONE)
    (folder.path / "record.sha256").write_bytes(data)
    assert not is_unfinished(folder.path)
    assert folder.verify() == (Problem("record.json", Trouble.RECORD),)


def test_live_and_torn_files_are_not_sealed(folder: RunFolder) -> None:
    with folder.hold():
        folder.seal(DONE)
        (folder.path / ".report.html.7.tmp").touch()
    assert folder.verify() == ()


def test_files_behind_a_link_are_sealed(folder: RunFolder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other_disk"
    elsewhere.mkdir()
    (elsewhere / "x.bin").write_bytes(b"abc")
    folder.checkpoints.symlink_to(elsewhere)
    assert "checkpoints/x.bin" in folder.seal(DONE).files
    (elsewhere / "x.bin").write_bytes(b"abd")
    assert folder.verify() == (Problem("checkpoints/x.bin", Trouble.CHANGED),)


def test_a_folder_that_is_gone_is_explained(folder: RunFolder) -> None:
    shutil.rmtree(folder.path)
    with pytest.raises(EqspecError, match="cannot read"):
        folder.seal(DONE)


def test_a_new_seal_names_the_one_before(folder: RunFolder) -> None:
    folder.seal(DONE)
    first = sha256_of(folder.path / "record.json")
    folder.evaluations.mkdir()
    (folder.evaluations / "r2.json").write_text("{}")
    folder.report.write_text("<p>")
    record = folder.seal(DONE)
    assert record.previous == first
    assert "evaluations/r2.json" in record.files
    folder.report.write_text("<p>again")
    assert folder.seal(DONE).previous != first
    assert folder.verify() == ()


def test_a_new_seal_does_not_hide_damage(folder: RunFolder) -> None:
    folder.seal(DONE)
    before = (folder.path / "record.json").read_bytes()
    (folder.path / "trace.json").write_text("{}")
    (folder.path / "spec.yaml").unlink()
    with pytest.raises(FolderMismatch, match=r"(?s)`spec.yaml` is missing.*`trace.json` has chang"):
        folder.seal(DONE)
    assert (folder.path / "record.json").read_bytes() == before


def test_what_was_changed_on_purpose_is_sealed_again(folder: RunFolder) -> None:
    folder.checkpoints.mkdir()
    (folder.checkpoints / "old.bin").touch()
    folder.seal(DONE)
    (folder.checkpoints / "old.bin").unlink()
    (folder.path / "spec.yaml").write_text("evaluate more")
    with pytest.raises(FolderMismatch, match=r"spec\.yaml"):
        folder.seal(DONE, changed=["checkpoints/"])
    with pytest.raises(FolderMismatch, match=r"old\.bin"):
        folder.seal(DONE, changed=["spec.yaml", "checkpoints"])
    folder.seal(DONE, changed=["spec.yaml", "checkpoints/"])
    assert folder.verify() == ()


def test_a_forged_record_is_not_sealed_again(folder: RunFolder) -> None:
    folder.seal(DONE)
    path = folder.path / "record.json"
    path.write_text(path.read_text().replace('"step": 10', '"step": 11'))
    with pytest.raises(FolderMismatch, match=r"record\.json` does not match"):
        folder.seal(DONE)


def _cut_short(folder: RunFolder, *, sealed_before: bool) -> None:
    """Seals, and stops before the hash of the record is written."""
    path = folder.path / "record.sha256"
    if sealed_before:
        folder.seal(DONE)
    old = path.read_bytes() if sealed_before else None
    folder.seal(DONE)
    path.unlink() if old is None else path.write_bytes(old)


@pytest.mark.parametrize("sealed_before", [True, False])
def test_a_sealing_that_was_cut_short_is_found_and_finished(
    folder: RunFolder, sealed_before: bool
) -> None:
    _cut_short(folder, sealed_before=sealed_before)
    assert folder.verify() == (Problem("record.json", Trouble.UNFINISHED),)
    record = (folder.path / "record.json").read_bytes()
    finish(folder.path)
    assert (folder.path / "record.json").read_bytes() == record
    assert folder.verify() == ()


def test_a_sealing_that_was_cut_short_may_be_made_anew(folder: RunFolder) -> None:
    _cut_short(folder, sealed_before=True)
    cut_short = sha256_of(folder.path / "record.json")
    assert folder.seal(DONE).previous == cut_short
    assert folder.verify() == ()


def test_only_the_files_of_the_record_get_its_hash(folder: RunFolder) -> None:
    _cut_short(folder, sealed_before=False)
    (folder.path / "spec.yaml").write_text("other")
    with pytest.raises(FolderMismatch, match=r"spec\.yaml` has changed"):
        finish(folder.path)
    assert not (folder.path / "record.sha256").exists()


def test_a_log_may_grow_after_the_seal_and_do_nothing_else(folder: RunFolder) -> None:
    folder.log.write_text("one\n")
    folder.seal(DONE)
    folder.log.write_text("one\ntwo\n")
    assert folder.verify() == ()
    assert folder.seal(DONE).history[-1].changed == ()
    folder.log.write_text("ane\ntwo\n")
    assert folder.verify() == (Problem("log.txt", Trouble.CHANGED),)
    folder.log.write_text("one\n")
    assert folder.verify() == (Problem("log.txt", Trouble.CHANGED),)


def test_a_record_that_somebody_removed_is_missed(folder: RunFolder) -> None:
    folder.seal(DONE)
    removed = sha256_of(folder.path / "record.json")
    (folder.path / "record.json").unlink()
    (folder.path / "spec.yaml").write_text("other")
    (found,) = folder.seal(DONE).history
    assert (found.replaced, found.record_missing) == (removed, True)
    assert (found.changed, found.added, found.removed) == ((), (), ())


def test_what_changed_between_two_seals_is_in_the_history(folder: RunFolder) -> None:
    (folder.path / "figures").mkdir()
    (folder.path / "figures" / "a.png").touch()
    folder.seal(DONE)
    hashes = [sha256_of(folder.path / "record.json")]
    folder.evaluations.mkdir()
    (folder.evaluations / "r2.json").write_text("{}")
    folder.seal(DONE, action="eval")
    hashes.append(sha256_of(folder.path / "record.json"))
    folder.unseal()
    assert folder.record() is None
    (folder.evaluations / "r2.json").write_text("[]")
    (folder.path / "figures" / "a.png").unlink()
    first, second, third = folder.seal(DONE).history
    assert [first.replaced, second.replaced, third.replaced] == [None, *hashes]
    assert [first.action, second.action, third.action] == ["run", "eval", "run"]
    assert second.added == ("evaluations/r2.json",)
    assert (third.changed, third.removed) == (("evaluations/r2.json",), ("figures/a.png",))
    assert not any(one.record_missing for one in (first, second, third))
    assert not (folder.path / "record.unsealed.json").exists()
    assert folder.verify() == ()


def test_a_record_without_history_is_read_and_sealed_again(folder: RunFolder) -> None:
    """As eqspec wrote it up to format 1."""
    folder.seal(DONE)
    path = folder.path / "record.json"
    old = json.loads(path.read_text())
    del old["history"]
    path.write_text(json.dumps(old | {"format": 1, "previous": "ab" * 32}))
    (folder.path / "record.sha256").write_text(f"{sha256_of(path)}  record.json\n")
    assert folder.verify() == ()
    record = folder.record()
    assert record is not None
    assert (record.previous, record.history[0].time) == ("ab" * 32, None)
    assert [one.action for one in folder.seal(DONE).history] == ["", "run"]


def test_a_run_that_goes_on_is_unsealed_and_its_next_seal_names_the_old(folder: RunFolder) -> None:
    folder.seal(Outcome(status=Status.FAILED, step=3, reason="the loss is nan"))
    first = sha256_of(folder.path / "record.json")
    folder.unseal()
    assert folder.record() is None
    folder.metrics.write_text("")
    assert folder.seal(DONE).previous == first


def test_unsealing_what_is_not_sealed_changes_nothing(folder: RunFolder) -> None:
    folder.unseal()
    assert folder.seal(DONE).previous is None
