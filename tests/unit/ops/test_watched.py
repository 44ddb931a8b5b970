"""Tests that missing, changed and damaged files are distinguished in every layout."""

from __future__ import annotations

import errno
import pickle
from pathlib import Path

import numpy as np
import pytest

from eqspec.errors import EqspecError
from eqspec.ops.decode import LostImage
from eqspec.ops.find import find_dataset
from eqspec.ops.image_files import ImageFiles
from eqspec.ops.stored_bytes import StoredBytes, checksum
from eqspec.ops.tolerant import Tolerant
from tests.fake_datasets import LAYOUTS

STORED = ("image_folder", "food101", "imagenet1k", "latent_views")
"""Dataset ops that read folders, lists of files, shards, and views with latents."""

EACH = pytest.mark.parametrize("name", STORED)


@pytest.fixture
def dataset(name: str, tmp_path: Path) -> Tolerant:
    """The training split of a fabricated dataset, its files listed."""
    op = find_dataset(name)
    opened = op.open(op.Params(), split="train", folder=LAYOUTS[name](tmp_path))
    found = Tolerant(opened, limit=100)
    found.list_files()
    return found


def path_of(dataset: Tolerant, number: int = 0) -> Path:
    assert dataset.watched is not None
    return dataset.watched.dataset.path(number)


@EACH
def test_what_is_gone_stops(dataset: Tolerant) -> None:
    path = path_of(dataset)
    path.rename(path.with_name("away"))
    with pytest.raises(LostImage, match="an image has disappeared") as caught:
        dataset.image(0)
    assert path.name in caught.value.message
    assert not dataset.unreadable
    assert pickle.loads(pickle.dumps(caught.value)).help == caught.value.help
    path.with_name("away").rename(path)
    assert dataset.image(0).ndim == 3


@EACH
def test_data_that_are_gone_have_no_fingerprint(dataset: Tolerant) -> None:
    """A run would record that of what is left, and refuse the restored data for ever."""
    whole = dataset.fingerprint()
    path = path_of(dataset)
    path.rename(path.with_name("away"))
    with pytest.raises(LostImage):
        dataset.fingerprint()
    path.with_name("away").rename(path)
    assert dataset.fingerprint() == whole


def test_a_file_that_goes_after_its_folder_was_walked_is_missing(tmp_path: Path) -> None:
    op = find_dataset("image_folder")
    opened = op.open(op.Params(), split="train", folder=LAYOUTS["image_folder"](tmp_path))
    assert isinstance(opened, ImageFiles)
    (opened.root / opened.files[2]).unlink()
    with pytest.raises(LostImage, match=f"has disappeared: .*{opened.files[2]}"):
        Tolerant(opened, limit=100).list_files()


def test_a_link_that_was_broken_from_the_beginning_is_a_damaged_image(tmp_path: Path) -> None:
    op, folder = find_dataset("image_folder"), LAYOUTS["image_folder"](tmp_path)
    train = op.open(op.Params(), split="train", folder=folder)
    assert isinstance(train, ImageFiles)
    link = train.path(0).with_name("zzz.png")
    link.symlink_to("nowhere.png")
    again = Tolerant(op.open(op.Params(), split="train", folder=folder), limit=100)
    again.list_files()
    number = next(n for n in range(len(again)) if again.watched.dataset.path(n) == link)
    again.image(number)
    assert number in again.unreadable


@pytest.mark.parametrize("name", ["image_folder", "imagenet1k"])
def test_what_was_cut_short_stops(dataset: Tolerant) -> None:
    path = path_of(dataset)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(LostImage, match="has changed since the data were listed"):
        dataset.image(0)


@pytest.mark.parametrize("name", ["image_folder", "imagenet1k"])
def test_what_is_written_meanwhile_is_not_taken_for_damaged(dataset: Tolerant) -> None:
    path = path_of(dataset)
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(LostImage, match="was written while it was read"):
        dataset.image(0)
    assert not dataset.unreadable


@EACH
def test_other_content_is_found_on_the_second_reading(dataset: Tolerant) -> None:
    watched = dataset.watched
    assert watched is not None
    dataset.image(0)
    (number,) = np.flatnonzero(watched.checksums)
    watched.checksums[number] ^= 1
    with pytest.raises(LostImage, match="has changed since this run first read it"):
        dataset.image(0)


@pytest.mark.parametrize("name", ["food101"])
def test_what_never_was_there_is_replaced(dataset: Tolerant) -> None:
    path_of(dataset).unlink()
    again = Tolerant(dataset.watched.dataset, limit=1)
    again.list_files()
    assert again.image(0).ndim == 3
    assert list(again.unreadable) == [0]


@EACH
def test_what_may_not_be_read_is_not_damaged(
    dataset: Tolerant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "stat", refused)
    monkeypatch.setattr(Path, "read_bytes", refused)
    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(EqspecError, match=r"cannot read the image .*: .*Permission denied"):
        dataset.image(0)
    assert not dataset.unreadable


@EACH
def test_the_stated_coverage_is_true(dataset: Tolerant) -> None:
    assert isinstance(dataset.watched.dataset, StoredBytes)
    assert "names" in dataset.fingerprint_scope
    assert "all" in dataset.fingerprint_scope


def test_a_checksum_is_of_all_parts_and_never_zero() -> None:
    assert checksum((b"ab", b"c")) == checksum((b"abc",)) != checksum((b"abd",))
    assert checksum(()) != 0


def test_the_description_states_how_much_content_is_hashed() -> None:
    files = tuple(f"{i:03}.png" for i in range(600))
    assert ImageFiles(Path(), files).fingerprint_scope == (
        "names and sizes of all 600 images, content of 300"
    )
    assert (
        ImageFiles(Path(), files[:90]).fingerprint_scope
        == "names, sizes and content of all 90 images"
    )
