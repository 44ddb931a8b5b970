"""Tests of detecting splits, classes, ignored folders, and of refused layouts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eqspec.errors import EqspecError, UsageError
from eqspec.ops import folder_walk
from eqspec.ops.datasets import image_folder, latent_views
from eqspec.ops.folder_walk import walk
from eqspec.ops.image_files import ImageFiles
from tests.fake_datasets import save
from tests.fake_objects import objects


def laid(root: Path, *folders: str, count: int = 2) -> Path:
    """A folder with some images in each of some folders."""
    for folder in folders:
        for at in range(count):
            save(root / folder / f"{at}.png")
    return root


def opened(root: Path, *, split: str = "train", **params: object) -> ImageFiles:
    built = image_folder.Params.model_validate(params)
    return image_folder.open(built, split=split, folder=root)


def splits(root: Path) -> tuple[str, str]:
    return opened(root).root.name, opened(root, split="heldout").root.name


@pytest.mark.parametrize(
    ("train", "heldout"),
    [
        *(("Train", "Val"), ("TRAIN", "TEST"), ("train", "Validation"), ("training", "testing")),
        *(("Training", "dev"), ("train", "eval"), ("Train", "val"), ("train", "held-out")),
    ],
)
def test_splits_are_known_in_any_case(tmp_path: Path, train: str, heldout: str) -> None:
    laid(tmp_path, *(f"{s}/{c}" for s in (train, heldout) for c in ("cat", "dog")))
    assert splits(tmp_path) == (train, heldout)
    assert opened(tmp_path).classes == ("cat", "dog")


def test_the_usual_spelling_goes_first(tmp_path: Path) -> None:
    laid(tmp_path, "train/cat", "Train/cat", "val/cat", "Val/cat", "test/cat")
    assert splits(tmp_path) == ("train", "val")
    (tmp_path / "val").rename(tmp_path / "VAL")
    (tmp_path / "test").rename(tmp_path / "other")
    with pytest.raises(UsageError, match="several folders for one split"):
        opened(tmp_path)


def test_a_class_called_train_is_not_taken_for_a_split(tmp_path: Path) -> None:
    laid(tmp_path, "bus", "car", "plane", "train")
    with pytest.raises(UsageError, match="in `train` and beside it in `bus`, `car`, `plane`") as no:
        opened(tmp_path)
    assert "--set data.with.layout=classes" in (no.value.help or "")
    assert "--set data.with.layout=splits" in (no.value.help or "")
    as_classes = opened(tmp_path, layout="classes")
    assert (len(as_classes), as_classes.classes) == (8, ("bus", "car", "plane", "train"))
    assert len(opened(tmp_path, layout="splits")) == 2
    flat = opened(tmp_path, layout="flat")
    assert (len(flat), flat.labels) == (8, None)


@pytest.mark.parametrize("name", ["Train", "training"])
def test_an_unusual_spelling_alone_makes_no_split_of_a_class(tmp_path: Path, name: str) -> None:
    laid(tmp_path, "bus", "car", name)
    assert len(opened(tmp_path).classes) == 3
    save(tmp_path / name / "steam" / "a.png")
    (tmp_path / name / "0.png").unlink()
    (tmp_path / name / "1.png").unlink()
    with pytest.raises(UsageError, match="may be the training split, or one class"):
        opened(tmp_path)


@pytest.mark.parametrize("name", ["train", "Train"])
def test_alone_it_is_a_split(tmp_path: Path, name: str) -> None:
    laid(tmp_path, f"{name}/cat", f"{name}/dog")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "notes.txt").write_text("no image")
    assert opened(tmp_path).classes == ("cat", "dog")


@pytest.mark.parametrize("name", ["test", "Val", "dev"])
def test_a_held_out_split_without_a_training_split_is_refused(tmp_path: Path, name: str) -> None:
    laid(tmp_path, "cat", "dog", name)
    with pytest.raises(UsageError, match=f"has a folder `{name}`, but no folder `train`") as caught:
        opened(tmp_path)
    assert "layout=classes" in (caught.value.help or "")
    assert len(opened(tmp_path, layout="classes").classes) == 3


def test_a_folder_of_logs_is_no_split(tmp_path: Path) -> None:
    laid(tmp_path, "train/cat", "train/dog")
    (tmp_path / "eval").mkdir()
    assert len(opened(tmp_path, split="heldout", share=0.5)) == 2


def test_folders_that_systems_leave_behind_are_no_classes(tmp_path: Path) -> None:
    laid(tmp_path, "cat", "dog", "__MACOSX/cat", "@eaDir", "lost+found", ".ipynb_checkpoints")
    assert opened(tmp_path).classes == ("cat", "dog")
    assert {(o.kind, o.count) for o in walk(tmp_path).left_out} == {("folder", 3), ("folder", 1)}


def test_splits_inside_a_folder_are_not_mixed(tmp_path: Path) -> None:
    laid(tmp_path, "tiny/train/cat", "tiny/train/dog", "tiny/Val/cat", "tiny/Val/dog")
    with pytest.raises(UsageError, match="has splits of its own, train and Val") as caught:
        opened(tmp_path)
    assert f"--data {tmp_path / 'tiny'}" in (caught.value.help or "")
    assert len(opened(tmp_path, layout="classes")) == 8


def test_nothing_is_read_again_through_links(tmp_path: Path) -> None:
    laid(tmp_path, "neighbour")
    root = laid(tmp_path / "root", "a", "b", "c/deep")
    for here in "abc":
        for there in "abc":
            (root / here / f"to-{there}").symlink_to(root / there)
    (root / "c" / "deep" / "up").symlink_to(tmp_path)
    (root / "itself").symlink_to(root / "itself")
    found = walk(root)
    assert found.files == (
        "a/0.png",
        "a/1.png",
        "b/0.png",
        "b/1.png",
        "c/deep/0.png",
        "c/deep/1.png",
    )
    assert found.classes == ("a", "b", "c")


def test_a_dataset_of_links_is_read_as_one_of_folders(tmp_path: Path) -> None:
    disk = laid(tmp_path / "disk", "1/x", "2", "3")
    root = tmp_path / "data"
    for split, name, location in (
        ("train", "cat", "1"),
        ("train", "dog", "2"),
        ("val", "cat", "3"),
    ):
        (root / split).mkdir(parents=True, exist_ok=True)
        (root / split / name).symlink_to(disk / location)
    (tmp_path / "link").symlink_to(root)
    for location in (root, tmp_path / "link"):
        assert opened(location).files == ("cat/x/0.png", "cat/x/1.png", "dog/0.png", "dog/1.png")
        assert opened(location, split="heldout").files == ("cat/0.png", "cat/1.png")


@pytest.mark.parametrize("kind", ["folder", "split", "file", "real file"])
def test_no_image_is_in_both_splits(tmp_path: Path, kind: str) -> None:
    root = laid(tmp_path / "data", "train/cat", "val/cat")
    other = laid(tmp_path / "disk", "dog")
    if kind == "folder":
        for split in ("train", "val"):
            (root / split / "dog").symlink_to(other / "dog")
    elif kind == "split":
        (root / "val").rename(tmp_path / "old")
        (root / "val").symlink_to(root / "train")
    elif kind == "file":
        for split in ("train", "val"):
            (root / split / "cat" / f"of-{split}.png").symlink_to(other / "dog" / "0.png")
    else:
        (root / "val" / "cat" / "copy.png").symlink_to(root / "train" / "cat" / "0.png")
    with pytest.raises(UsageError, match="are the same: held-out images would be training images"):
        opened(root, split="heldout")


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch) -> None:
    laid(tmp_path, "cat", "dog")
    scan = os.scandir

    def scandir(path: str):
        if str(path).endswith("dog"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(folder_walk.os, "scandir", scandir)
    with pytest.raises(EqspecError, match=r"cannot read the folder .*dog: Permission denied"):
        opened(tmp_path)


def test_so_is_one_of_objects_with_stored_views(tmp_path: Path, monkeypatch) -> None:
    root = objects(tmp_path / "objects")
    first = min(p.name for p in root.iterdir() if p.is_dir())
    scan = os.scandir

    def scandir(path: str):
        if str(path).endswith(first):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(folder_walk.os, "scandir", scandir)
    with pytest.raises(EqspecError, match=rf"cannot read the folder .*{first}: Permission denied"):
        latent_views.open(latent_views.Params(), split="train", folder=root)


@pytest.mark.parametrize("name", [b"caf\xe9/0.png", b"cat/caf\xe9.png"])
def test_a_name_that_is_no_utf8_is_refused_with_its_folder(tmp_path: Path, name: bytes) -> None:
    laid(tmp_path, "cat")
    location = tmp_path / os.fsdecode(name)
    location.parent.mkdir(exist_ok=True)
    location.write_bytes((tmp_path / "cat" / "0.png").read_bytes())
    with pytest.raises(EqspecError, match=r"the name `caf\\xe9.*` in .* is not UTF-8") as caught:
        opened(tmp_path)
    caught.value.message.encode()
