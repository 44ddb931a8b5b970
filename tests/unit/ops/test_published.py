"""Tests of published datasets against torchvision: same images, same labels."""

from __future__ import annotations

import hashlib
import pickle
from types import MappingProxyType

import numpy as np
import pytest
import torchvision.datasets as theirs

from eqspec.errors import EqspecError
from eqspec.ops.datasets import cifar, fgvc_aircraft, flowers102, food101, inat2018, oxford_pets
from tests import fake_datasets

SETS = [
    (food101, fake_datasets.food101, theirs.Food101, "train", "test"),
    (fgvc_aircraft, fake_datasets.fgvc_aircraft, theirs.FGVCAircraft, "trainval", "test"),
    (oxford_pets, fake_datasets.oxford_pets, theirs.OxfordIIITPet, "trainval", "test"),
]


def opened(op, folder, *, split="train", **params):
    return op.open(op.Params.model_validate(params), split=split, folder=folder)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def assert_same(ours, reference, *, exact=True):
    assert len(ours) == len(reference)
    for i, (image, label) in enumerate(reference):
        assert ours.labels[i] == label
        if exact:
            assert np.array_equal(ours.image(i), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize(("op", "lay_out", "reference", "train", "test"), SETS)
def test_lists_are_read_as_torchvision_reads_them(op, lay_out, reference, train, test, tmp_path):
    root = lay_out(tmp_path)
    for split, called in (("train", train), ("heldout", test)):
        ours = opened(op, root, split=split)
        other = reference(str(root), split=called)
        assert_same(ours, other)
        assert [c.replace("_", " ").title() for c in ours.classes] == [
            c.replace("_", " ").title() for c in other.classes
        ]


def test_flowers_are_read_as_torchvision_reads_them(tmp_path):
    root = fake_datasets.flowers102(tmp_path)

    names = {"label": "imagelabels.mat", "setid": "setid.mat"}

    class Toy(theirs.Flowers102):
        _file_dict = MappingProxyType(
            {key: (name, md5(root / "flowers-102" / name)) for key, name in names.items()}
        )

    assert_same(opened(flowers102, root, train="train"), Toy(str(root), split="train"))
    assert_same(opened(flowers102, root, split="heldout"), Toy(str(root), split="test"))
    both = opened(flowers102, root)
    assert both.files == ("image_00006.jpg", "image_00001.jpg", "image_00002.jpg")


@pytest.mark.parametrize("classes", [10, 100])
def test_cifar_is_read_as_torchvision_reads_it(classes, tmp_path):
    root = fake_datasets.cifar(tmp_path, classes=classes)
    kind = theirs.CIFAR10 if classes == 10 else theirs.CIFAR100
    folder = root / kind.base_folder

    class Toy(kind):
        train_list = tuple((name, md5(folder / name)) for name, _ in kind.train_list)
        test_list = tuple((name, md5(folder / name)) for name, _ in kind.test_list)
        meta = MappingProxyType({**kind.meta, "md5": md5(folder / kind.meta["filename"])})

    for split, train in (("train", True), ("heldout", False)):
        assert_same(opened(cifar, root, split=split, classes=classes), Toy(str(root), train=train))
    assert opened(cifar, folder, classes=classes).classes == tuple(Toy(str(root)).classes)


def test_cifar_may_be_an_image_folder(tmp_path):
    for split in ("train", "test"):
        for kind in "abcdefghij":
            fake_datasets.save(tmp_path / split / kind / "0.png")
    params = cifar.Params()
    assert not cifar.recognises(params, tmp_path), "ten classes alone do not make it CIFAR"
    heldout = cifar.open(params, split="heldout", folder=tmp_path)
    assert heldout.labels.tolist() == list(range(10))


def test_a_pickle_can_call_nothing(tmp_path):
    root = fake_datasets.cifar(tmp_path, classes=10)
    path = root / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(pickle.dumps({"data": eval}))
    with pytest.raises(EqspecError, match=r"refers to builtins\.eval"):
        opened(cifar, root, split="heldout")


def test_a_damaged_pickle_is_named(tmp_path):
    root = fake_datasets.cifar(tmp_path, classes=10)
    path = root / "cifar-10-batches-py" / "data_batch_3"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(EqspecError, match=r"cannot read .*data_batch_3"):
        opened(cifar, root)


def test_the_lists_of_inaturalist_number_the_categories(tmp_path):
    train = opened(inat2018, fake_datasets.inat2018(tmp_path))
    assert train.files == ("tree/a/2.jpg", "tree/b/1.jpg")
    assert train.classes == ("auk", "wren")
    assert train.labels.tolist() == [0, 1]


def test_a_stray_image_beside_classes_is_named(tmp_path):
    for kind in range(10):
        for split in ("train", "test"):
            fake_datasets.save(tmp_path / split / f"{kind}" / "1.png")
    (tmp_path / "train" / "__MACOSX").mkdir()
    assert len(cifar.open(cifar.Params(), split="train", folder=tmp_path)) == 10
    fake_datasets.save(tmp_path / "train" / "stray.png")
    with pytest.raises(EqspecError, match=r"stray\.png is not in a class folder"):
        cifar.open(cifar.Params(), split="train", folder=tmp_path)


def test_inaturalist_may_be_an_image_folder(tmp_path):
    for name in ("train/10/a.png", "train/9/b.png", "val/10/c.png"):
        fake_datasets.save(tmp_path / name)
    train = opened(inat2018, tmp_path)
    assert train.classes == ("9", "10")
    assert train.files == ("10/a.png", "9/b.png")
    assert train.labels.tolist() == [1, 0]
    assert opened(inat2018, tmp_path, split="heldout").labels.tolist() == [1]


@pytest.mark.parametrize("op", [cifar, fgvc_aircraft, flowers102, food101, oxford_pets])
def test_missing_data_suggests_how_to_download_it(op, tmp_path):
    with pytest.raises(EqspecError, match="does not contain") as caught:
        opened(op, tmp_path)
    assert caught.value.exit_status == 2
    assert "--set data.with.download=true" in (caught.value.help or "")


def test_fetching_that_fails_is_explained(tmp_path):
    """The folder is a file's: nothing reaches the network."""
    occupied = tmp_path / "file"
    occupied.write_text("not a folder")
    with pytest.raises(EqspecError, match="cannot download `food101`") as caught:
        opened(food101, occupied / "below", download=True)
    assert "network" in (caught.value.help or "")
    with pytest.raises(EqspecError, match="is not configured"):
        opened(food101, None, download=True)
