"""Tiny datasets in the layouts of real ones, with images of `FakeImages`."""

from __future__ import annotations

import io
import json
import pickle
import struct
import tarfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image
from scipy.io import savemat

from eqspec.ops.find import find_dataset, op_names
from tests.fake_objects import objects
from tests.fakes import FakeImages

CORRUPT_EXIF = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack(
    "<HHHIIHHIII", 2, 0x0112, 3, 1, 6, 0x010E, 2, 500, 200, 0
)
"""An orientation of 6, and a description of 500 bytes that lies beyond the end."""

EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n"
    b"8 8 scale 0 0 1 1 rectfill showpage\n%%EOF\n"
)
"""What Pillow, if it may, hands to Ghostscript."""


def save(path: Path, pixels: np.ndarray | None = None, **options: object) -> Path:
    """An image file; which picture it holds depends on its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = FakeImages(9).image(sum(path.name.encode()) % 9) if pixels is None else pixels
    Image.fromarray(picture).save(path, **options)
    return path


def jpeg(number: int) -> bytes:
    """A picture as the bytes of a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(FakeImages(9).image(number)).save(file, "JPEG")
    return file.getvalue()


def cifar(root: Path, *, classes: int) -> Path:
    """Write pickle files with two images per training file and three held-out images."""
    small = FakeImages(9, height=32, width=32)

    def batch(first: int, count: int) -> dict[str, object]:
        rows = [small.image(first + i).transpose(2, 0, 1).ravel() for i in range(count)]
        labels = [(first + i) % classes for i in range(count)]
        return {"data": np.array(rows), "labels": labels, "fine_labels": labels}

    names = [f"class {i}" for i in range(classes)]
    if classes == 10:
        folder = root / "cifar-10-batches-py"
        files = {f"data_batch_{n}": batch(2 * n, 2) for n in range(1, 6)}
        files |= {"test_batch": batch(0, 3), "batches.meta": {"label_names": names}}
    else:
        folder = root / "cifar-100-python"
        files = {"train": batch(1, 4), "test": batch(0, 3), "meta": {"fine_label_names": names}}
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(pickle.dumps(content, protocol=3))
    return root


def food101(root: Path) -> Path:
    """Two dishes."""
    base = root / "food-101"
    splits = {
        "train": {"waffles": ["waffles/1", "waffles/2"], "baklava": ["baklava/3"]},
        "test": {"waffles": ["waffles/4"], "baklava": ["baklava/5"]},
    }
    (base / "meta").mkdir(parents=True)
    for split, listed in splits.items():
        (base / "meta" / f"{split}.json").write_text(json.dumps(listed))
        _save_all(base / "images", (f"{n}.jpg" for names in listed.values() for n in names))
    return root


def fgvc_aircraft(root: Path) -> Path:
    """Two variants, one of which has a blank in its name."""
    data = root / "fgvc-aircraft-2013b" / "data"
    data.mkdir(parents=True)
    (data / "variants.txt").write_text("707-320\nDH-82 Tiger\n")
    (data / "images_variant_trainval.txt").write_text("0001 DH-82 Tiger\n0002 707-320\n")
    (data / "images_variant_test.txt").write_text("0003 DH-82 Tiger\n")
    _save_all(data / "images", ("0001.jpg", "0002.jpg", "0003.jpg"))
    return root


def oxford_pets(root: Path) -> Path:
    """Three breeds, not in the order of their names."""
    base = root / "oxford-iiit-pet"
    (base / "annotations").mkdir(parents=True)
    train = "Abyssinian_1 1 1 1\nsaint_bernard_2 3 2 2\nbeagle_3 2 2 1\n"
    test = "beagle_4 2 2 1\nAbyssinian_5 1 1 1\nsaint_bernard_6 3 2 2\n"
    (base / "annotations" / "trainval.txt").write_text(train)
    (base / "annotations" / "test.txt").write_text(test)
    lines = (train + test).splitlines()
    _save_all(base / "images", (f"{line.split()[0]}.jpg" for line in lines))
    return root


def flowers102(root: Path) -> Path:
    """Six images of three kinds: two to train on, one to validate, three to test."""
    base = root / "flowers-102"
    _save_all(base / "jpg", (f"image_{n:05d}.jpg" for n in range(1, 7)))
    savemat(base / "imagelabels.mat", {"labels": np.array([[1, 2, 3, 1, 2, 3]], np.uint8)})
    lists = {"trnid": [[6, 1]], "valid": [[2]], "tstid": [[3, 4, 5]]}
    savemat(base / "setid.mat", {k: np.array(v, np.uint16) for k, v in lists.items()})
    return root


def inat2018(root: Path) -> Path:
    """Two lists over one tree of images."""
    splits = {"train": (("b/1.jpg", 7), ("a/2.jpg", 3)), "val": (("a/3.jpg", 3),)}
    root.mkdir(parents=True, exist_ok=True)
    for split, entries in splits.items():
        listed = {
            "images": [{"id": i, "file_name": f"tree/{n}"} for i, (n, _) in enumerate(entries)],
            "annotations": [{"image_id": i, "category_id": c} for i, (_, c) in enumerate(entries)],
            "categories": [{"id": 7, "name": "wren"}, {"id": 3, "name": "auk"}],
        }
        (root / f"{split}2018.json").write_text(json.dumps(listed))
        _save_all(root / "tree", (name for name, _ in entries))
    return root


def shards(root: Path) -> Path:
    """ImageNet in tar files: two of training images, one held out."""
    parts = {
        "train-0000.tar": ("n00000002_1", "n00000001_2"),
        "train-0001.tar": ("n00000002_3",),
        "val-0000.tar": ("n00000002_4",),
    }
    root.mkdir(parents=True, exist_ok=True)
    for name, keys in parts.items():
        members = {f"{key}.JPEG": jpeg(int(key[-1])) for key in keys}
        members |= {f"{key}.cls": str(int(key[8]) - 1).encode() for key in keys}
        tar(root / name, members)
    return root


def tar(path: Path, members: Mapping[str, bytes]) -> None:
    """A tar file of these members."""
    with tarfile.open(path, "w") as file:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))


def folders(root: Path) -> Path:
    """Class folders, with things among them that are no images."""
    names = ("train/cat/b.png", "train/cat/a.JPG", "train/dog/x/c.webp", "val/dog/d.png")
    _save_all(root, (*names, "train/cat/._a.jpg"))
    (root / "train" / "cat" / "notes.txt").write_text("no image")
    return root


def _save_all(root: Path, names: Iterable[str]) -> None:
    for name in names:
        save(root / name)


_WRITTEN_HERE: Mapping[str, Callable[[Path], Path | None]] = MappingProxyType(
    {
        "photos": lambda _: None,
        "image_folder": folders,
        "cifar": lambda root: cifar(root, classes=10),
        "fgvc_aircraft": fgvc_aircraft,
        "flowers102": flowers102,
        "food101": food101,
        "imagenet1k": shards,
        "inat2018": inat2018,
        "latent_views": objects,
        "oxford_pets": oxford_pets,
    }
)

LAYOUTS: Mapping[str, Callable[[Path], Path | None]] = MappingProxyType(
    {
        name: _WRITTEN_HERE.get(name) or find_dataset(name).write_example
        for name in op_names("datasets")
    }
)
"""Dataset op → what lays out its files below a folder and returns where they are."""
