"""Files are opened only where they are files of their own: no link, no FIFO, no device."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from eqspec.regular_files import NotRegular, appending, files_below, opened, own_size


def test_appending_makes_a_file_and_adds_to_it(tmp_path: Path) -> None:
    for word in (b"one\n", b"two\n"):
        with appending(tmp_path / "x") as file:
            file.write(word)
    assert (tmp_path / "x").read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) & 0o111 == 0


@pytest.mark.parametrize("there", [True, False], ids=["a-file", "nothing"])
def test_nothing_is_written_through_a_link(tmp_path: Path, *, there: bool) -> None:
    victim = tmp_path / "victim"
    if there:
        victim.write_text("mine")
    (tmp_path / "x").symlink_to(victim)
    with pytest.raises(NotRegular, match="it is a link"):
        appending(tmp_path / "x")
    assert victim.exists() == there
    with pytest.raises(NotRegular, match="it is a link"):
        opened(tmp_path / "x", follow=False)
    assert own_size(tmp_path / "x") == -1


def test_a_fifo_is_neither_read_nor_written(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x")
    for opens in (opened, appending):
        with pytest.raises(NotRegular, match="it is a FIFO"):
            opens(tmp_path / "x")


def test_what_is_below_a_folder_is_found_once_and_no_link_is_followed(tmp_path: Path) -> None:
    root, disk = tmp_path / "root", tmp_path / "disk"
    (root / "a").mkdir(parents=True)
    (root / "a" / "x").touch()
    disk.mkdir()
    (disk / "y").touch()
    (disk / "round").symlink_to(disk)
    (root / "linked").symlink_to(disk)
    (root / "a" / "up").symlink_to(root)
    found = [path.relative_to(root).as_posix() for path in files_below(root)]
    assert found == ["linked", "a/up", "a/x"]
    found = [path.relative_to(root).as_posix() for path in files_below(root, linked=("linked",))]
    assert sorted(found) == ["a/up", "a/x", "linked/round", "linked/y"]
