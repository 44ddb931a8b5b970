from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest

from eqspec.errors import EqspecError, FolderMismatch
from eqspec.runs.artifacts import (
    FileEntry,
    canonical_json,
    entry_of,
    explained,
    read_document,
    read_text,
    replacing,
    sha256_of,
    sweep,
    write_json,
    write_text,
)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.txt"
    write_text(path, text="λ = 1\n")
    assert path.read_bytes() == "λ = 1\n".encode()
    assert _names(path.parent) == ["file.txt"]


def test_others_may_read_what_is_written(tmp_path: Path) -> None:
    write_text(tmp_path / "ours.txt", text="")
    (tmp_path / "plain.txt").write_bytes(b"")
    assert (tmp_path / "ours.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode


@pytest.mark.parametrize("durable", [True, False])
def test_a_body_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, durable: bool
) -> None:
    path = tmp_path / "file.txt"
    write_text(path, text="old")

    def stopped() -> None:
        with replacing(path, durable=durable) as temporary:
            temporary.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["file.txt"]


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, text="old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_a_full_disk_is_explained() -> None:
    full = Path("/dev/full")
    with pytest.raises(EqspecError, match="the disk is full") as caught, explained(full):
        full.write_bytes(b"x")
    assert caught.value.help is not None
    assert "free some space" in caught.value.help


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_folder_that_may_not_be_written_is_explained(tmp_path: Path, number: int) -> None:
    with pytest.raises(EqspecError, match="permission denied or read-only"), explained(tmp_path):
        raise OSError(number, "no")


def test_a_file_in_the_way_of_a_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(EqspecError, match=r"cannot write `.*/runs/x/spec\.yaml`"):
        write_text(tmp_path / "runs" / "x" / "spec.yaml", text="")


def test_a_file_that_is_too_large_leaves_the_old_one(tmp_path: Path, no_file_over) -> None:
    path = tmp_path / "file.txt"
    write_text(path, text="old")
    with no_file_over(100), pytest.raises(EqspecError, match="cannot write"):
        write_text(path, text="new" * 100)
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["file.txt"]


def test_json_keeps_the_order_of_keys_and_says_no_to_nan(tmp_path: Path) -> None:
    assert canonical_json({"b": 1, "a": ["µ"]}) == '{\n  "b": 1,\n  "a": [\n    "µ"\n  ]\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", value=float("nan"))
    assert _names(tmp_path) == []


def test_hashes_are_those_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"\x00\xff" * 1000)
    digest = hashlib.sha256(b"\x00\xff" * 1000).hexdigest()
    assert sha256_of(path) == digest
    assert entry_of(path) == FileEntry(sha256=digest, bytes=2000)


def test_a_document_reads_back(tmp_path: Path) -> None:
    entry = FileEntry(sha256="ab", bytes=3)
    write_json(tmp_path / "entry.json", value=entry.model_dump(mode="json"))
    assert read_document(tmp_path / "entry.json", kind=FileEntry) == entry


@pytest.mark.parametrize("data", [b"", b'{"sha256": "ab"', b'{"sha256": "ab"}', b"\xff\xfe"])
def test_a_damaged_document_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "entry.json"
    path.write_bytes(data)
    with pytest.raises(FolderMismatch, match=r"entry\.json` is damaged"):
        read_document(path, kind=FileEntry)


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(EqspecError, match=r"gone\.txt` is missing"):
        read_text(tmp_path / "gone.txt")
    with pytest.raises(EqspecError, match=r"gone\.txt` is missing"):
        sha256_of(tmp_path / "gone.txt")


def test_sweep_takes_what_killed_writes_left_and_nothing_else(tmp_path: Path) -> None:
    below = tmp_path / "checkpoints"
    below.mkdir()
    for name in ("kept.txt", ".hidden", "notes.tmp"):
        (below / name).touch()
    with replacing(below / "torn.bin") as temporary:
        temporary.touch()
        left = temporary.name
    (below / left).touch()
    sweep(tmp_path)
    assert _names(below) == [".hidden", "kept.txt", "notes.tmp", "torn.bin"]
