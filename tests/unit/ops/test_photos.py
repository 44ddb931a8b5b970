"""Tests of the photographs in installed packages and of their tiles."""

from __future__ import annotations

import hashlib
from types import MappingProxyType

import numpy as np
import pytest

from eqspec.errors import EqspecError
from eqspec.ops.datasets import photos

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


def test_a_missing_photograph_suggests_how_to_install_it():
    with pytest.raises(EqspecError, match="`eqspec_has_no_such`, which is not installed") as caught:
        photos.locate("eqspec_has_no_such/data/a.png")
    assert caught.value.help == "pip install 'eqspec[photos]'"
    with pytest.raises(EqspecError, match=r"`numpy` has no photograph at .*nothing\.png"):
        photos.locate("numpy/nothing.png")


def test_tile_larger_than_a_photograph_is_refused():
    with pytest.raises(EqspecError, match=r"301 px does not fit into chelsea\.png") as caught:
        photos.open(photos.Params(tile=301), split="heldout")
    assert caught.value.help == "set `tile` to at most 300"


def test_photos_take_no_folder(tmp_path):
    with pytest.raises(EqspecError, match="no folder can be given"):
        photos.open(photos.Params(), split="train", folder=tmp_path)
