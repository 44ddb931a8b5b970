"""Tests of image folders with or without splits and classes."""

from __future__ import annotations

import numpy as np
import pytest

from eqspec.errors import EqspecError
from eqspec.ops.datasets import image_folder
from tests.fake_datasets import folders, save


@pytest.fixture
def folder(tmp_path):
    return folders(tmp_path)


def opened(folder, *, split="train", **params):
    built = image_folder.Params.model_validate(params)
    return image_folder.open(built, split=split, folder=folder)


def test_folder_is_read_in_sorted_order_with_its_classes(folder):
    dataset = opened(folder)
    assert dataset.files == ("cat/a.JPG", "cat/b.png", "dog/x/c.webp")
    assert dataset.classes == ("cat", "dog")
    assert dataset.labels.tolist() == [0, 0, 1]
    assert dataset.sources.tolist() == [0, 1, 2]


def test_links_are_followed_but_nothing_is_read_twice(folder, tmp_path):
    elsewhere = tmp_path / "disk"
    save(elsewhere / "cow" / "e.png")
    (folder / "train" / "ant").symlink_to(folder / "train" / "cat")
    (folder / "train" / "cow").symlink_to(elsewhere / "cow")
    (folder / "train" / "dog" / "all").symlink_to(folder / "train")
    (folder / "train" / "dog" / "b.png").symlink_to(folder / "train" / "cat" / "b.png")
    (folder / "train" / "dog" / "e.png").symlink_to(elsewhere / "cow" / "e.png")
    found = opened(folder)
    assert found.files == ("cat/a.JPG", "cat/b.png", "cow/e.png", "dog/x/c.webp")
    assert found.classes == ("cat", "cow", "dog")


def test_a_class_has_one_number_in_both_splits(folder):
    save(folder / "val" / "ant" / "e.png")
    assert opened(folder).classes == ("ant", "cat", "dog")
    heldout = opened(folder, split="heldout")
    assert heldout.classes == ("ant", "cat", "dog")
    assert heldout.labels.tolist() == [0, 2]


@pytest.mark.parametrize("name", ["valid", "validation", "test", "heldout"])
def test_other_names_of_the_held_out_split_are_recognised(folder, name):
    (folder / "val").rename(folder / name)
    assert opened(folder, split="heldout").files == ("dog/d.png",)


def test_splits_can_have_other_names(folder):
    assert len(opened(folder, train="val", heldout="train")) == 1


def test_folder_without_splits_is_a_training_split(folder):
    dataset = opened(folder / "train")
    assert dataset.classes == ("cat", "dog")
    assert len(dataset) == 3
    with pytest.raises(EqspecError, match="has no folder `val` for the split `heldout`") as caught:
        opened(folder / "train", split="heldout")
    assert caught.value.exit_status == 2
    (folder / "train").rename(folder / "other")
    with pytest.raises(EqspecError, match="has a folder `val`, but no folder `train`"):
        opened(folder)


@pytest.mark.parametrize(("count", "share", "held_out"), [(40, 0.1, 4), (5, 0.1, 1), (9, 0.5, 4)])
def test_a_share_is_held_out_where_there_is_no_folder(tmp_path, count, share, held_out):
    for i in range(count):
        save(tmp_path / f"{i:02d}.png")
    train = opened(tmp_path, share=share)
    heldout = opened(tmp_path, split="heldout", share=share)
    assert len(heldout) == held_out
    assert sorted(train.files + heldout.files) == [f"{i:02d}.png" for i in range(count)]
    at = [int(name[:2]) for name in heldout.files]
    assert np.ptp(np.diff(at)) <= 1 if len(at) > 2 else True


def test_a_share_keeps_labels_with_their_images(folder):
    heldout = opened(folder / "train", split="heldout", share=0.4)
    train = opened(folder / "train", share=0.4)
    for part in (train, heldout):
        assert [part.classes[label] for label in part.labels] == [
            name.partition("/")[0] for name in part.files
        ]


def test_one_image_leaves_none_to_hold_out(tmp_path):
    save(tmp_path / "only.png")
    assert len(opened(tmp_path, share=0.1)) == 1
    with pytest.raises(EqspecError, match="has only one image, so none can be held out"):
        opened(tmp_path, split="heldout", share=0.1)


def test_loose_images_have_no_classes(folder):
    dataset = opened(folder / "train" / "cat")
    assert dataset.files == ("a.JPG", "b.png")
    assert (dataset.classes, dataset.labels) == ((), None)


def test_loose_images_beside_classes_are_refused(folder):
    save(folder / "train" / "stray.png")
    with pytest.raises(EqspecError, match=r"outside \(stray\.png\) and inside \(.*/.*\)"):
        opened(folder)


def test_an_empty_folder_lists_the_image_formats(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(EqspecError, match="there is no image in") as caught:
        opened(tmp_path)
    assert caught.value.exit_status == 2
    assert ".png" in (caught.value.help or "")


def test_fingerprint_of_a_folder_changes_with_names_and_content(folder):
    before = opened(folder).fingerprint()
    path = folder / "train" / "cat" / "b.png"
    path = path.rename(path.with_name("bb.png"))
    renamed = opened(folder).fingerprint()
    image = bytearray(path.read_bytes())
    image[-20] ^= 1
    path.write_bytes(bytes(image))
    assert len({before, renamed, opened(folder).fingerprint()}) == 3
