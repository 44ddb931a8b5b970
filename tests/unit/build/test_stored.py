"""Pairs of stored views: the pair drawn is the pair shown, and the action is of these files."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from eqspec.build.data.loader import Batch, batches
from eqspec.build.data.stored_views import drawn_views
from eqspec.build.views.on_device import DeviceViews, ViewBatch
from eqspec.nn.random.philox import Draws
from eqspec.ops.datasets import latent_views
from eqspec.ops.decode import decode
from eqspec.ops.relations.relative_rotation import Params, encode
from eqspec.ops.tolerant import Tolerant, TooManyUnreadable
from eqspec.spec.load import parse_spec
from tests.fake_objects import DATA, objects
from tests.toy_specs import BACKBONE, plan_of

if TYPE_CHECKING:
    from eqspec.compile.types.plan import Plan

TRAIN, VIEWS, BATCH = 20, 4, 8
SIE = "{use: sie, transform: {use: object_rotation_hue}, split: 0.5}"


@cache
def plan(*, equivariance: str = SIE, method: str = "vicreg_pooled", image: int = 40) -> Plan:
    small = "{}" if method == "mae" else "{projector.widths: [24, 24, 24]}"
    text = f"""\
schema: 1
data: {DATA}
image: {image}
backbone: {BACKBONE}
method: {{use: {method}, with: {small}}}
equivariance: {equivariance}
augment: {{use: whole}}
train: {{length: 8 steps, batch: {BATCH}}}
"""
    return plan_of(parse_spec(text, path=Path("stored.yaml")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("objects")
    return objects(root, train=TRAIN, heldout=4, views=VIEWS, latents=7, side=40)


def opened(folder: Path, *, limit: int = 0) -> Tolerant:
    params = latent_views.Params(views=VIEWS, latents=7)
    return Tolerant(latent_views.open(params, split="train", folder=folder), limit=limit)


def some(
    folder: Path, *, start: int = 0, steps: int = 4, limit: int = 0, **how: int
) -> list[Batch]:
    dataset = opened(folder, limit=limit)
    return list(batches(plan(), dataset, seed=3, start_step=start, steps=steps, **how))


def viewed(batch: Batch) -> ViewBatch:
    return DeviceViews(plan().views, seed=3, device="cpu")(batch)


def assert_same(ours: Batch, theirs: Batch) -> None:
    assert np.array_equal(ours.samples, theirs.samples)
    assert ours.latents is not None
    assert theirs.latents is not None
    assert np.array_equal(ours.latents, theirs.latents)
    for key, canvas in ours.canvases.items():
        assert torch.equal(canvas, theirs.canvases[key]), key


def test_pairs_are_two_different_views_all_ordered_pairs_alike() -> None:
    pairs = np.concatenate(
        [drawn_views(Draws(1), epoch=e, samples=np.arange(300), views=VIEWS) for e in range(20)]
    )
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert pairs.min() == 0
    assert pairs.max() == VIEWS - 1
    counts = np.bincount(pairs[:, 0] * VIEWS + pairs[:, 1], minlength=VIEWS**2)
    expected = len(pairs) / (VIEWS * (VIEWS - 1))
    chi = sum((n - expected) ** 2 / expected for n in counts if n)
    assert (counts > 0).sum() == VIEWS * (VIEWS - 1)
    assert chi < 31.3, "of 11 degrees of freedom, one in a thousand goes beyond"


def test_a_pair_depends_on_seed_epoch_and_sample_alone() -> None:
    samples = np.arange(50)
    whole = drawn_views(Draws(1), epoch=2, samples=samples, views=50)
    order = np.array([7, 3, 44])
    alone = drawn_views(Draws(1), epoch=2, samples=samples[order], views=50)
    assert np.array_equal(whole[order], alone)
    for other in (
        drawn_views(Draws(2), epoch=2, samples=samples, views=50),
        drawn_views(Draws(1), epoch=3, samples=samples, views=50),
    ):
        assert (other != whole).any(axis=1).mean() > 0.9


def test_the_pair_drawn_is_shown_and_the_action_is_of_its_files(folder: Path) -> None:
    """Pixels bit for bit, against files that are opened here by their names."""
    listed = np.load(folder / "train_images.npy")
    mean, std = (np.array(v) for v in (plan().views.mean, plan().views.std))
    for batch in some(folder, steps=3):
        pairs = drawn_views(Draws(3), epoch=batch.epoch, samples=batch.samples, views=VIEWS)
        built = viewed(batch)
        assert built.actions is not None
        assert built.between is None
        for row, (sample, pair) in enumerate(zip(batch.samples, pairs, strict=True)):
            below = folder / listed[sample].strip("/")
            for view, number in enumerate(pair):
                pixels = decode(below / f"image_{number}.jpg")
                canvas = batch.canvases["global", view][row].permute(1, 2, 0)
                assert np.array_equal(canvas.numpy(), pixels)
                shown = built.images["global"][view, row].permute(1, 2, 0).double().numpy()
                np.testing.assert_allclose(shown, (pixels / 255 - mean) / std, atol=1e-5)
            stored = [np.load(below / f"latent_{n}.npy")[None] for n in pair]
            action = encode(Params(differences=(3, 6)), *stored)[0].astype(np.float32)
            assert np.array_equal(built.actions[row].numpy(), action)


def test_the_centre_of_a_larger_file_is_the_centre_of_the_view(tmp_path: Path) -> None:
    """At half the size, the middle of the file stands in the middle of the view."""
    folder = objects(tmp_path, train=TRAIN, heldout=4, views=VIEWS, latents=7, side=80)
    half = plan(image=40)
    (batch,) = batches(half, opened(folder), seed=3, start_step=0, steps=1)
    pairs = drawn_views(Draws(3), epoch=0, samples=batch.samples, views=VIEWS)
    listed = np.load(folder / "train_images.npy")
    below = folder / listed[batch.samples[0]].strip("/")
    whole = decode(below / f"image_{pairs[0, 0]}.jpg").astype(float)
    middle = whole[20:60, 20:60].mean(axis=(0, 1))
    seen = batch.canvases["global", 0][0, :, 10:30, 10:30].double().mean(dim=(1, 2))
    np.testing.assert_allclose(seen.numpy(), middle, atol=3)


def test_ranks_workers_and_first_step_change_nothing(folder: Path) -> None:
    whole = some(folder)
    for ours, theirs in zip(whole, some(folder, workers=2), strict=True):
        assert_same(ours, theirs)
    for ours, theirs in zip(whole[2:], some(folder, start=2, steps=2), strict=True):
        assert_same(ours, theirs)
    shares = [some(folder, rank=rank, world=2) for rank in range(2)]
    for one, *parts in zip(whole, *shares, strict=True):
        assert np.array_equal(one.latents, np.concatenate([p.latents for p in parts]))
        for key, canvas in one.canvases.items():
            assert torch.equal(canvas, torch.cat([p.canvases[key] for p in parts]))


def test_another_epoch_shows_another_pair(folder: Path) -> None:
    shown: dict[int, set[bytes]] = {}
    for batch in some(folder, steps=8):
        assert batch.latents is not None
        for sample, latents in zip(batch.samples.tolist(), batch.latents, strict=True):
            shown.setdefault(sample, set()).add(latents.tobytes())
    assert np.mean([len(pairs) for pairs in shown.values()]) > 2


def test_a_method_of_its_own_sees_the_pair_and_no_action(folder: Path) -> None:
    own = plan(equivariance="none")
    (batch,) = batches(own, opened(folder), seed=3, start_step=0, steps=1)
    assert_same(batch, some(folder, steps=1)[0])
    assert DeviceViews(own.views, seed=3, device="cpu")(batch).actions is None


def test_a_method_of_one_view_sees_the_first(folder: Path) -> None:
    single = plan(equivariance="none", method="mae")
    (batch,) = batches(single, opened(folder), seed=3, start_step=0, steps=1)
    pair = some(folder, steps=1)[0]
    assert set(batch.canvases) == {("global", 0)}
    assert torch.equal(batch.canvases["global", 0], pair.canvases["global", 0])


@pytest.mark.parametrize("workers", [0, 2])
def test_damaged_views_are_replaced_whoever_meets_them(
    folder: Path, tmp_path: Path, workers: int
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    listed = np.load(folder / "train_images.npy")
    for sample in range(TRAIN):
        (damaged / listed[sample].strip("/") / "latent_1.npy").write_bytes(b"no array")
    with pytest.raises(TooManyUnreadable, match="latent_1"):
        some(damaged, limit=0)
    found = some(damaged, limit=TRAIN, workers=workers)
    for ours, theirs in zip(found, some(damaged, limit=TRAIN), strict=True):
        assert_same(ours, theirs)
    for batch in found:
        assert batch.latents is not None
        for sample, (first, second) in zip(batch.samples, batch.latents, strict=True):
            below = folder / listed[sample].strip("/")
            whole = {np.load(below / f"latent_{k}.npy").tobytes() for k in (0, 2, 3)}
            assert {first.tobytes(), second.tobytes()} <= whole
            assert not np.array_equal(first, second)
