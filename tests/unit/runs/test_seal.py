from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from eqspec.errors import EqspecError, FolderMismatch
from eqspec.runs.artifacts import sha256_of
from eqspec.runs.seal import Outcome, Problem, Status, Trouble

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
    folder.seal(DONE)
    type(folder).open(tmp_path / "copy").seal(DONE)
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


@pytest.mark.parametrize("data", [None, b"", b"\xff"])
def test_a_changed_hash_of_the_record_is_found(folder: RunFolder, data: bytes | None) -> None:
    folder.seal(DONE)
    path = folder.path / "record.sha256"
    path.unlink() if data is None else path.write_bytes(data)
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


@pytest.mark.parametrize("sealed_before", [True, False])
def test_a_seal_that_was_cut_short_is_found_and_mended(
    folder: RunFolder, sealed_before: bool
) -> None:
    if sealed_before:
        folder.seal(DONE)
        old = (folder.path / "record.sha256").read_text()
        folder.seal(DONE)
        (folder.path / "record.sha256").write_text(old)
    else:
        folder.seal(DONE)
        (folder.path / "record.sha256").unlink()
    assert folder.verify() == (Problem("record.json", Trouble.RECORD),)
    cut_short = sha256_of(folder.path / "record.json")
    assert folder.seal(DONE).previous == cut_short
    assert folder.verify() == ()


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
