"""What an evaluation may read: token grids, images, and features of images of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from eqspec.errors import EqspecError
from eqspec.evals.bench import Bench
from eqspec.evals.feature_files import FeatureFiles
from eqspec.evals.features import Subject
from eqspec.evals.images import centre_crop
from eqspec.nn.encoders.vit import VisionTransformerTokens
from eqspec.nn.layers.initialise import initialise
from eqspec.nn.readouts.feature_matrix import Columns, FeatureMatrix
from eqspec.nn.readouts.fitting import Fitting
from eqspec.nn.readouts.linear_classifiers import fit_classifiers
from eqspec.nn.world import World
from eqspec.ops.backbones import vit
from eqspec.ops.op import BATCH, StreamType
from tests.fakes import FakeImages

SIZE = 16


def encoder() -> VisionTransformerTokens:
    params = vit.Params(patch=4, width=16, depth=3, heads=4)
    images = StreamType(("B", "C", "H", "W"), (BATCH, 3, SIZE, SIZE))
    module = vit.build(params, {"images": images}, world=World())
    initialise(module, seed=0, name="encoder")
    return module.eval()


def bench(folder: Path | None = None) -> Bench:
    module = encoder()
    subject = Subject(
        encoder=lambda images: module(images=images),
        prefix=1,
        size=SIZE,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        layers=module.layers,
        depth=3,
        state="a" * 64,
    )
    files = FeatureFiles(folder, state=subject.state)
    return Bench(subject, train=FakeImages(60), held_out=FakeImages(24), files=files)


def test_token_grids_are_the_patches_of_chosen_blocks_at_a_chosen_size() -> None:
    found = bench().tokens("held-out", layers=(0, -1), size=24, limit=5)
    assert {layer: tuple(x.shape) for layer, x in found.layers.items()} == {
        0: (5, 6, 6, 16),
        2: (5, 6, 6, 16),
    }
    crop = centre_crop(FakeImages(24).image(int(found.images[3])), size=24)
    with torch.no_grad():
        tokens = encoder()(images=((crop - 0.5) / 0.5)[None])[0, 1:]
    torch.testing.assert_close(found.layers[2][3].flatten(0, 1), tokens, rtol=1e-5, atol=1e-6)


def test_layers_that_are_not_there_are_refused() -> None:
    with pytest.raises(EqspecError, match="no layers 3: there are 3"):
        bench().tokens("train", layers=(3,), limit=None)


def test_images_are_the_crops_that_features_are_of() -> None:
    batches = list(bench().images("held-out", limit=7))
    assert [tuple(batch.shape) for batch in batches] == [(7, 3, SIZE, SIZE)]
    assert 0 <= float(batches[0].min()) < float(batches[0].max()) <= 1


def quarter_turns(crops: Tensor, at: slice) -> Iterator[tuple[tuple[str, ...], Tensor]]:
    """An evaluation's own pixels: every crop turned by 0, 90, 180 and 270 degrees."""
    assert at.start % 64 == 0
    turned = [crops.rot90(k, dims=(2, 3)) for k in range(4)]
    yield ("turned",), torch.stack(turned, dim=1)


def told_apart(on: Bench) -> float:
    """A rotation probe: how often a linear classifier tells by how much an image is turned."""

    def features(split: str) -> tuple[FeatureMatrix, Tensor]:
        content = {"quarter-turns": 4}
        found = on.encoded(split, quarter_turns, content=content, limit=None)["encoder", "turned"]
        x_NKD = found.columns[0].values
        labels = torch.arange(4).repeat(len(x_NKD))
        return FeatureMatrix((Columns(x_NKD.flatten(0, 1)),)).standardised(), labels

    x, labels = features("train")
    fitting = Fitting(epochs=30, batch=40, weight_decay=0.0)
    probe = fit_classifiers(x, labels, classes=4, lrs=(0.01,), fitting=fitting)
    held_out, wanted = features("held-out")
    return float((probe.classify(held_out)[0] == wanted).double().mean())


def test_an_evaluation_with_pixels_of_its_own_needs_the_bench_alone(tmp_path: Path) -> None:
    on = bench(tmp_path)
    assert told_apart(on) > 0.6
    assert on.read == {"train": set(range(60)), "held-out": set(range(24))}
    np.testing.assert_equal(told_apart(bench(tmp_path)), told_apart(on))
    assert len(list(tmp_path.rglob("*.f32"))) == 2
