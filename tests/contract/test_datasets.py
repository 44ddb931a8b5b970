"""Every dataset op keeps the contract, and the dataset cards name ops with legal parameters."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eqspec.errors import EqspecError
from eqspec.ops.datasets import photos
from eqspec.ops.find import find_dataset, op_names
from eqspec.ops.image_files import LocationNotSet
from eqspec.ops.op import OpParams, how_it_runs_fields
from eqspec.ops.stored_views import StoredViews
from eqspec.ops.units import units
from eqspec.registry.cards import DatasetCard
from eqspec.registry.catalog import open_catalog
from tests.fake_datasets import LAYOUTS

REPO = Path(__file__).parents[2]

EACH = pytest.mark.parametrize("name", op_names("datasets"))
"""All dataset ops."""


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory):
    """Op → the folder of its fabricated dataset; made once."""
    return {name: lay(tmp_path_factory.mktemp(name)) for name, lay in LAYOUTS.items()}


def opened(name, folder, *, split="train"):
    op = find_dataset(name)
    return op.open(op.Params(), split=split, folder=folder)


def test_every_dataset_op_is_held_to_the_contract():
    assert set(op_names("datasets")) == set(LAYOUTS)


@EACH
@pytest.mark.parametrize("split", ["train", "heldout"])
def test_contract(name, split, laid_out):
    op = find_dataset(name)
    assert op.rev >= 1
    assert issubclass(op.Params, OpParams)
    assert op.Params.model_validate_json(op.Params().model_dump_json()) == op.Params()
    assert op.about.splitlines()[0].endswith(".")
    dataset = opened(name, laid_out[name], split=split)
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
    again = pickle.loads(pickle.dumps(dataset))
    assert again.fingerprint() == dataset.fingerprint()
    assert np.array_equal(again.image(0), dataset.image(0))


def stored_latents(name: str) -> int | None:
    op = find_dataset(name)
    return op.stored_latents(op.Params())


STORED = [n for n in op_names("datasets") if stored_latents(n) is not None]
"""Dataset ops whose samples are objects in several stored views."""


@pytest.mark.parametrize("split", ["train", "heldout"])
@pytest.mark.parametrize("name", STORED)
def test_stored_views(name, split, laid_out):
    count = stored_latents(name)
    dataset = opened(name, laid_out[name], split=split)
    assert isinstance(dataset, StoredViews)
    assert dataset.views >= 2
    for i in (0, len(dataset) - 1):
        views = [dataset.view(i, k) for k in range(dataset.views)]
        assert np.array_equal(views[0].image, dataset.image(i))
        for view in views:
            assert view.image.dtype == np.uint8
            assert (view.latents.shape, view.latents.dtype) == ((count,), np.float64)
            assert np.isfinite(view.latents).all()
        assert len({view.latents.tobytes() for view in views}) == dataset.views


def test_only_stored_views_are_taken_for_some(laid_out):
    with_views = {n for n in LAYOUTS if isinstance(opened(n, laid_out[n]), StoredViews)}
    assert with_views == set(STORED) == {"latent_views"}


@EACH
def test_splits_differ_but_number_the_same_classes(name, laid_out):
    train, heldout = (opened(name, laid_out[name], split=s) for s in ("train", "heldout"))
    assert train.fingerprint() != heldout.fingerprint()
    assert train.classes == heldout.classes


@EACH
def test_unknown_split_names_the_known_ones(name, laid_out):
    with pytest.raises(EqspecError, match="no split `test`") as caught:
        opened(name, laid_out[name], split="test")
    assert "train, heldout" in (caught.value.help or "")


@EACH
def test_an_op_recognises_its_own_layout_and_takes_no_other_for_it(name, laid_out, tmp_path):
    op = find_dataset(name)
    (tmp_path / "pictures").mkdir()
    if laid_out[name] is not None:
        assert op.recognises(op.Params(), laid_out[name])
    assert op.recognises(op.Params(), tmp_path) == (name == "image_folder")


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name != "photos"])
def test_a_folder_must_be_given_and_exist(name, tmp_path):
    with pytest.raises(EqspecError, match="is not configured") as caught:
        opened(name, None)
    assert caught.value.exit_status == 2
    assert "--data" in (caught.value.help or "")
    with pytest.raises(EqspecError, match="there is no folder") as caught:
        opened(name, tmp_path / "none")
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_an_op_says_whether_it_needs_a_folder_and_how_large_its_images_are(name, laid_out):
    op = find_dataset(name)
    if op.needs_folder:
        with pytest.raises(LocationNotSet):
            opened(name, None)
    else:
        assert len(opened(name, None))
    if (size := op.image_size(op.Params())) is not None:
        width, height = size
        assert opened(name, laid_out[name]).image(0).shape == (height, width, 3)


def test_the_words_for_samples_are_the_data_s_own():
    assert units("photos").words == {"images": "crops", "sources": "photos"}
    assert units("latent_views").words == {"images": "objects", "sources": "objects"}
    assert units("image_folder").words == {"images": "images", "sources": "images"}
    assert units("no-such-op").words == {"images": "images", "sources": "images"}


def test_how_a_dataset_is_read_is_no_part_of_it():
    for name in op_names("datasets"):
        params = find_dataset(name).Params
        assert how_it_runs_fields(params) <= {"download", "unreadable"}
    cifar = find_dataset("cifar").Params
    assert how_it_runs_fields(cifar) == {"download", "unreadable"}


def test_nothing_is_fetched_unless_asked_for():
    for name in op_names("datasets"):
        assert not find_dataset(name).Params().fetches


def test_datasets_need_neither_torch_nor_the_packages_of_the_photographs(laid_out):
    folders = {name: str(folder) for name, folder in laid_out.items() if folder is not None}
    code = f"""
import sys
from pathlib import Path
from eqspec.ops.find import find_dataset
for name, folder in { ({**folders, "photos": None})!r}.items():
    op = find_dataset(name)
    op.open(op.Params(), split="train", folder=folder and Path(folder)).image(0)
print(*{{"torch", "torchvision", "skimage", "sklearn"}} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", open_catalog().names("datasets"))
def test_parameters_on_a_card_are_legal(name):
    card = open_catalog().card(DatasetCard, name).model
    find_dataset(card.impl).Params.model_validate(card.params)


def test_facts_of_the_photos_card_hold():
    card = open_catalog().card(DatasetCard, "photos").model
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
