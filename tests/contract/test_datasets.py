"""Every dataset op keeps the contract, and the dataset cards' facts hold."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from PIL import Image

from eqspec.errors import EqspecError
from eqspec.ops.datasets import image_folder, photos
from eqspec.ops.find import find_op, op_names
from eqspec.ops.op import OpParams
from eqspec.registry.catalog import open_catalog
from tests.fakes import FakeImages

REPO = Path(__file__).parents[2]

SHA256 = MappingProxyType(
    {
        "astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "motorcycle_left.png": "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
        "motorcycle_right.png": "5fc913ae870e42a4b662314bc904d1786bcad8e2f0b9b67dba5a229406357797",
        "rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        "flower.jpg": "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
        "coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "china.jpg": "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    }
)
"""The photographs of the pinned wheels, which the facts on the card were measured on."""


def save(path: Path, pixels: np.ndarray | None = None, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = FakeImages(9).image(len(path.name) % 9) if pixels is None else pixels
    Image.fromarray(picture).save(path, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    hidden = "train/cat/._a.jpg"
    for name in ("train/cat/b.png", "train/cat/a.JPG", "train/dog/x/c.webp", "val/d/d.png", hidden):
        save(tmp_path / name)
    (tmp_path / "train" / "cat" / "notes.txt").write_text("no image")
    return tmp_path


def open_photos(split: str, _: Path) -> photos.Photos:
    return photos.open(photos.Params(), split=split)


def open_folder(split: str, folder: Path) -> image_folder.ImageFolder:
    return image_folder.open(image_folder.Params(), split=split, folder=folder)


OPENERS: MappingProxyType[str, Callable] = MappingProxyType(
    {"photos": open_photos, "image_folder": open_folder}
)


def test_every_dataset_op_is_held_to_the_contract():
    assert set(op_names("datasets")) == set(OPENERS)


@pytest.mark.parametrize("name", OPENERS)
@pytest.mark.parametrize("split", ["train", "heldout"])
def test_contract(name, split, folder):
    op = find_op("datasets", name)
    assert op.rev >= 1
    assert issubclass(op.Params, OpParams)
    assert op.Params.model_validate_json(op.Params().model_dump_json()) == op.Params()
    assert op.__doc__.splitlines()[0].endswith(".")
    dataset = OPENERS[name](split, folder)
    for i in (0, len(dataset) - 1):
        image = dataset.image(i)
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] == 3
        assert np.array_equal(image, dataset.image(i))
    assert dataset.sources.shape == (len(dataset),)
    assert dataset.sources.dtype == np.int64
    assert (dataset.labels is None) == (dataset.classes == ())
    if dataset.labels is not None:
        assert dataset.labels.shape == (len(dataset),)
        assert dataset.labels.dtype == np.int64
        assert set(dataset.labels) <= set(range(len(dataset.classes)))
    again = pickle.loads(pickle.dumps(OPENERS[name](split, folder)))
    assert again.fingerprint() == dataset.fingerprint()
    assert np.array_equal(again.image(0), dataset.image(0))


@pytest.mark.parametrize("name", OPENERS)
def test_splits_differ(name, folder):
    train, heldout = (OPENERS[name](split, folder) for split in ("train", "heldout"))
    assert train.fingerprint() != heldout.fingerprint()


@pytest.mark.parametrize("name", OPENERS)
def test_unknown_split_names_the_known_ones(name, folder):
    with pytest.raises(EqspecError, match="no split `test`") as caught:
        OPENERS[name]("test", folder)
    assert "train, heldout" in (caught.value.help or "")


def test_datasets_need_neither_torch_nor_the_packages_of_the_photographs():
    code = (
        "import sys; from eqspec.ops.datasets import image_folder, photos;"
        "photos.open(photos.Params(), split='train').image(0);"
        "print(*{'torch', 'skimage', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", open_catalog().names("datasets"))
def test_parameters_on_a_card_are_legal(name):
    card = open_catalog().card("datasets", name).model
    find_op("datasets", card.impl).Params.model_validate(card.params)


# --- photos ---------------------------------------------------------------------------------------


def test_facts_of_the_photos_card_hold():
    card = open_catalog().card("datasets", "photos").model
    params = photos.Params.model_validate(card.params)
    train, heldout = (photos.open(params, split=split) for split in ("train", "heldout"))
    sums, squares = np.zeros(3), np.zeros(3)
    for i in range(len(train)):
        levels = np.stack([np.bincount(c, minlength=256) for c in train.image(i).reshape(-1, 3).T])
        sums += levels @ np.linspace(0, 1, 256)
        squares += levels @ np.linspace(0, 1, 256) ** 2
    pixels = len(train) * params.tile**2
    mean = sums / pixels
    variance = squares / pixels - mean**2
    facts = card.facts
    assert (facts.count, facts.heldout, facts.classes) == (len(train), len(heldout), 0)
    assert facts.mean == pytest.approx(mean, abs=1e-3)
    assert facts.std == pytest.approx(np.sqrt(variance), abs=1e-3)
    assert facts.variance == pytest.approx(variance.mean(), abs=1e-3)


def test_files_of_the_photographs_are_those_the_facts_were_measured_on():
    names = [name for split in photos.PHOTOGRAPHS.values() for name in split]
    assert len(names) == len(set(names))
    paths = [photos.locate(name) for name in names]
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert found == dict(SHA256)


def test_tiles_are_views_of_their_photograph():
    dataset = photos.open(photos.Params(tile=64, stride=16), split="heldout")
    first, below = dataset.image(0), dataset.image(len(range(0, 600 - 63, 16)))
    assert first.shape == (64, 64, 3)
    assert np.array_equal(first[16:], below[:-16])
    assert np.shares_memory(first, below)
    assert not first.flags.writeable


def test_fingerprint_of_photos_depends_on_the_tiles():
    prints = {
        photos.open(photos.Params(stride=stride), split="train").fingerprint()
        for stride in (32, 64)
    }
    assert len(prints) == 2


def test_missing_photograph_says_how_to_install_it():
    with pytest.raises(EqspecError, match="`eqspec_has_no_such`, which is not installed") as caught:
        photos.locate("eqspec_has_no_such/data/a.png")
    assert caught.value.help == "pip install 'eqspec[photos]'"
    with pytest.raises(EqspecError, match=r"`numpy` has no photograph at .*nothing\.png"):
        photos.locate("numpy/nothing.png")


def test_tile_larger_than_a_photograph_is_refused():
    with pytest.raises(EqspecError, match=r"301 px does not fit into chelsea\.png") as caught:
        photos.open(photos.Params(tile=301), split="heldout")
    assert caught.value.help == "choose `tile` at most 300"


def test_photos_take_no_folder(tmp_path):
    with pytest.raises(EqspecError, match="a folder was given"):
        photos.open(photos.Params(), split="train", folder=tmp_path)


# --- image_folder ---------------------------------------------------------------------------------


def test_folder_is_read_in_sorted_order_with_its_classes(folder):
    dataset = open_folder("train", folder)
    assert dataset.files == ("cat/a.JPG", "cat/b.png", "dog/x/c.webp")
    assert dataset.classes == ("cat", "dog")
    assert dataset.labels.tolist() == [0, 0, 1]
    assert dataset.sources.tolist() == [0, 1, 2]


def test_splits_can_have_other_names(folder):
    params = image_folder.Params(train="val", heldout="train")
    assert len(image_folder.open(params, split="train", folder=folder)) == 1


def test_folder_without_splits_is_a_training_split(folder):
    dataset = open_folder("train", folder / "train")
    assert dataset.classes == ("cat", "dog")
    with pytest.raises(EqspecError, match="has no folder `val` for the split `heldout`"):
        open_folder("heldout", folder / "train")
    (folder / "train").rename(folder / "other")
    with pytest.raises(EqspecError, match="has no folder `train`"):
        open_folder("train", folder)


def test_loose_images_have_no_classes(folder):
    dataset = open_folder("train", folder / "train" / "cat")
    assert dataset.files == ("a.JPG", "b.png")
    assert (dataset.classes, dataset.labels) == ((), None)


def test_loose_images_beside_classes_are_refused(folder):
    save(folder / "train" / "stray.png")
    with pytest.raises(EqspecError, match=r"both loose \(stray\.png\) and in class folders"):
        open_folder("train", folder)


def test_folder_must_be_given_exist_and_hold_images(tmp_path):
    with pytest.raises(EqspecError, match="needs a folder"):
        image_folder.open(image_folder.Params(), split="train", folder=None)
    with pytest.raises(EqspecError, match="there is no folder"):
        open_folder("train", tmp_path / "none")
    with pytest.raises(EqspecError, match="there is no image in"):
        open_folder("train", tmp_path)


def test_fingerprint_of_a_folder_changes_with_names_and_content(folder):
    before = open_folder("train", folder).fingerprint()
    path = folder / "train" / "cat" / "b.png"
    path = path.rename(path.with_name("bb.png"))
    renamed = open_folder("train", folder).fingerprint()
    image = bytearray(path.read_bytes())
    image[-20] ^= 1
    path.write_bytes(bytes(image))
    assert len({before, renamed, open_folder("train", folder).fingerprint()}) == 3


def test_every_kind_of_pixel_becomes_rgb(tmp_path):
    rgb = FakeImages(1).image(0)
    picture = Image.fromarray(rgb)
    gray16 = np.full((8, 8), 0xFFFF, dtype=np.uint16)
    gray16[0, 0], gray16[0, 1] = 0, 0x8000
    picture.save(tmp_path / "rgb.png")
    picture.convert("RGBA").save(tmp_path / "alpha.png")
    picture.convert("CMYK").save(tmp_path / "cmyk.tif")
    palette = picture.quantize(64)
    palette.save(tmp_path / "palette.png", transparency=bytes(range(64)))
    picture.convert("L").save(tmp_path / "gray.png")
    Image.fromarray(gray16).save(tmp_path / "gray16.png")
    read = {path.stem: image_folder.read_rgb(path) for path in tmp_path.iterdir()}
    assert all(p.dtype == np.uint8 and p.shape[2] == 3 for p in read.values())
    for exact in ("rgb", "alpha", "cmyk"):
        assert np.array_equal(read[exact], rgb), exact
    assert np.array_equal(read["palette"], np.asarray(palette.convert("RGB")))
    assert np.array_equal(read["gray"][..., 0], np.asarray(picture.convert("L")))
    assert read["gray16"][0, :3, 0].tolist() == [0, 128, 255]


def test_exif_turns_the_image_upright(tmp_path):
    rgb = FakeImages(1).image(0)
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "turned.png", rgb, exif=exif)
    assert np.array_equal(image_folder.read_rgb(tmp_path / "turned.png"), np.rot90(rgb, k=-1))


@pytest.mark.parametrize("keep", [0, 10, 200])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_damaged_image_is_named(tmp_path, keep, suffix):
    path = tmp_path / f"broken{suffix}"
    save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(EqspecError, match=rf"cannot read the image .*broken\{suffix}"):
        image_folder.read_rgb(path)


def test_pixels_without_a_range_are_refused(tmp_path):
    save(tmp_path / "float.tif", np.ones((4, 4), dtype=np.float32))
    save(tmp_path / "deep.tif", np.full((4, 4), 70000, dtype=np.int32))
    with pytest.raises(EqspecError, match="floats, which have no fixed range"):
        image_folder.read_rgb(tmp_path / "float.tif")
    with pytest.raises(EqspecError, match="more than 16 bits"):
        image_folder.read_rgb(tmp_path / "deep.tif")
