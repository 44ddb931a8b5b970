"""Tests of objects with stored views: lists, shares, damaged files and refused folders."""

from __future__ import annotations

import errno
import pickle
from pathlib import Path

import numpy as np
import pytest

from eqspec.errors import EqspecError
from eqspec.ops.datasets.latent_views import LatentViews, Params, recognises
from eqspec.ops.datasets.latent_views import open as open_split
from eqspec.ops.decode import UnreadableImage
from eqspec.ops.tolerant import Tolerant, TooManyUnreadable
from tests.fake_objects import drawn_latents, objects

LISTED = Params(views=3, latents=7)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return objects(tmp_path / "objects", train=4, heldout=2, views=3, latents=7, side=16)


def trained(root: Path, **more: object) -> LatentViews:
    return open_split(LISTED.model_copy(update=more), split="train", folder=root)


def damage(dataset: LatentViews, *views: tuple[int, int], what: str = "image") -> None:
    for i, k in views:
        ending = "jpg" if what == "image" else "npy"
        (dataset.root / dataset.objects[i] / f"{what}_{k}.{ending}").write_bytes(b"damaged")


def test_a_list_gives_the_objects_and_their_order(root: Path) -> None:
    train, heldout = (open_split(LISTED, split=s, folder=root) for s in ("train", "heldout"))
    assert [name.rpartition("/")[2] for name in train.objects] == [
        "object3",
        "object2",
        "object1",
        "object0",
    ]
    assert [name.rpartition("/")[2] for name in heldout.objects] == ["object4", "object5"]
    assert train.classes == heldout.classes == ("00000007", "00000012")
    assert train.labels.tolist() == [0, 1, 0, 1]
    for k in range(3):
        np.testing.assert_array_equal(train.view(1, k).latents, drawn_latents(2, views=3)[k])


def test_a_share_is_held_out_where_there_are_no_lists(root: Path) -> None:
    for name in ("train_images.npy", "val_images.npy"):
        (root / name).unlink()
    with pytest.raises(EqspecError, match=r"not contain the lists train_images\.npy") as caught:
        trained(root)
    assert "--set data.with.share=0.2" in (caught.value.help or "")
    params = LISTED.model_copy(update={"share": 0.34})
    train, heldout = (open_split(params, split=s, folder=root) for s in ("train", "heldout"))
    assert (len(train), len(heldout)) == (4, 2)
    assert not set(train.objects) & set(heldout.objects)
    assert train.classes == heldout.classes


def test_one_list_alone_is_not_enough(root: Path) -> None:
    (root / "val_images.npy").unlink()
    with pytest.raises(EqspecError, match="does not contain the lists"):
        trained(root)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (np.array([1.0, 2.0]), "is not a list of objects: float64"),
        (np.array(["/a/b/c/"]), "contains `a/b/c`"),
        (np.array(["/../secret/"]), "contains `../secret`"),
        (np.array([], dtype="U3"), "is not a list of objects"),
        (np.array(["/00000007/nowhere/"]), "1 of the 1 objects in train_images.npy are missing in"),
    ],
)
def test_a_list_of_something_else_is_refused(
    root: Path, written: np.ndarray, expected: str
) -> None:
    np.save(root / "train_images.npy", written)
    with pytest.raises(EqspecError, match=expected):
        trained(root)


def test_a_list_that_is_no_array_is_refused(root: Path) -> None:
    (root / "train_images.npy").write_bytes(b"PK\x03\x04 no zip either")
    with pytest.raises(EqspecError, match="cannot read the list") as caught:
        trained(root)
    assert "numpy.save" in (caught.value.help or "")


def test_a_list_of_pickled_objects_runs_no_code(root: Path) -> None:
    np.save(root / "train_images.npy", np.array(["/a/b/", None], dtype=object), allow_pickle=True)
    with pytest.raises(EqspecError, match="cannot read the list"):
        trained(root)


@pytest.mark.parametrize(
    "written", [np.zeros(6), np.zeros((7, 1)), np.full(7, np.nan), np.array(["x"] * 7)]
)
def test_latents_that_are_none_damage_the_view(root: Path, written: np.ndarray) -> None:
    dataset = trained(root)
    np.save(root / dataset.objects[0] / "latent_1.npy", written)
    with pytest.raises(UnreadableImage, match=r"image_1\.jpg: its latent_1\.npy: ") as caught:
        dataset.view(0, 1)
    assert dataset.view(0, 2).latents.shape == (7,)
    assert pickle.loads(pickle.dumps(caught.value)).message == caught.value.message


def test_what_the_machine_lacks_damages_nothing(root: Path, monkeypatch) -> None:
    def crowded(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    dataset = trained(root)
    monkeypatch.setattr(np, "load", crowded)
    with pytest.raises(EqspecError, match="this machine cannot read") as caught:
        dataset.view(0, 1)
    assert not isinstance(caught.value, UnreadableImage)


def test_the_fingerprint_distinguishes_files(root: Path) -> None:
    before = trained(root).fingerprint()
    assert trained(root).fingerprint() == before
    damage(trained(root), (1, 1), what="latent")
    latents = trained(root).fingerprint()
    (root / trained(root).objects[0] / "image_0.jpg").unlink()
    assert len({before, latents, trained(root).fingerprint()}) == 3


def test_it_is_known_by_its_latents(root: Path, tmp_path: Path) -> None:
    assert recognises(LISTED, root)
    assert not recognises(LISTED, root / "00000007")
    assert not recognises(LISTED, tmp_path)


def same(pair: object, dataset: LatentViews, i: int, *views: int) -> bool:
    wanted = [dataset.view(i, k) for k in views]
    return np.array_equal(pair.latents, [v.latents for v in wanted]) and all(
        np.array_equal(a, v.image) for a, v in zip(pair.images, wanted, strict=True)
    )


@pytest.mark.parametrize(
    ("damaged", "asked", "shown"),
    [
        ((), (2, 0), (0, 2, 0)),
        ((0,), (0, 1), (0, 2, 1)),  # 1 is taken by its partner
        ((1,), (0, 1), (0, 0, 2)),
        ((2,), (2, 1), (0, 0, 1)),
        ((2,), (1, 2), (0, 1, 0)),
        ((0, 1), (0, 2), (2, 0, 2)),  # one view is left: the next object of the class
        ((0, 1, 2), (1, 2), (2, 1, 2)),
    ],
)
@pytest.mark.parametrize("what", ["image", "latent"])
def test_replacement_of_a_damaged_view(
    root: Path, what: str, damaged: tuple[int, ...], asked: tuple[int, int], shown: tuple[int, ...]
) -> None:
    dataset = trained(root)
    damage(dataset, *((0, k) for k in damaged), what=what)
    tolerant = Tolerant(dataset, limit=10)
    for _ in range(2):
        assert same(tolerant.pair(0, asked), dataset, *shown)
    assert set(tolerant.unreadable) <= set(damaged)
    assert all("damaged" not in why or "object3" in why for why in tolerant.unreadable.values())


def test_replacement_of_a_pair_does_not_depend_on_earlier_reads(root: Path) -> None:
    dataset = trained(root)
    damage(dataset, (0, 0), (1, 2), (2, 1), (2, 2))
    asked = [(i, (a, b)) for i in range(4) for a in range(3) for b in range(3) if a != b]
    alone = [Tolerant(dataset, limit=10).pair(i, views) for i, views in asked]
    tolerant = Tolerant(dataset, limit=10)
    backwards = [tolerant.pair(i, views) for i, views in reversed(asked)][::-1]
    for one, other in zip(alone, backwards, strict=True):
        assert np.array_equal(one.latents, other.latents)
        assert np.array_equal(one.images, other.images)
    assert set(tolerant.unreadable) == {0, 5, 7, 8}


def test_damaged_views_are_counted_one_by_one(root: Path) -> None:
    dataset = trained(root)
    damage(dataset, (0, 0), (0, 1), (1, 0))
    tolerant = Tolerant(dataset, limit=2)
    assert same(tolerant.pair(0, (0, 1)), dataset, 2, 0, 1)
    with pytest.raises(
        TooManyUnreadable, match="3 images cannot be read, but at most 2 are allowed"
    ):
        tolerant.image(1)


def test_the_image_of_an_object_is_its_first_view(root: Path) -> None:
    dataset = trained(root)
    damage(dataset, (0, 0))
    tolerant = Tolerant(dataset, limit=2)
    assert np.array_equal(tolerant.image(1), dataset.view(1, 0).image)
    assert np.array_equal(tolerant.image(0), dataset.view(2, 0).image), "of the same class"
    assert set(tolerant.unreadable) == {0}
    assert (tolerant.views, len(tolerant)) == (3, 4)


def test_a_class_without_any_pair_stops(root: Path) -> None:
    dataset = trained(root)
    damage(dataset, *((i, k) for i in (0, 2) for k in range(2)))
    with pytest.raises(TooManyUnreadable):
        Tolerant(dataset, limit=100).pair(0, (0, 1))
