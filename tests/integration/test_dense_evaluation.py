"""A plugin that segments: one op and one card each for the data and the evaluation, and no more.

The evaluation trains a 1×1 head on patch tokens in a child run, on images with masks, and is
measured on held-out ones.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from eqspec.commands.planning.data_locations import DataLocations, open_dataset
from eqspec.commands.planning.run_plan import plan_in
from eqspec.evals.images import crops_with_targets
from eqspec.nn.terms.dense_classification import DenseClassification
from eqspec.ops.find import find_dataset
from eqspec.runs import checkpoint
from eqspec.runs.folder import RunFolder, State
from tests.command_line import Answer, ask
from tests.dense_plugin import write_plugin
from tests.integration.test_eval import BACKBONE
from tests.toy_specs import toy_text

SEGMENT = "{use: toy-segmentation, at: end, with: {data: squares%s}}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a spec, the data, the cards and the installed package."""
    root = tmp_path_factory.mktemp("dense")
    write_plugin(root)
    return root


@pytest.fixture(autouse=True)
def installed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(place / "installed")


def write(place: Path, evaluate: str) -> Path:
    extra = f'evaluate: [{evaluate}]\nmachine: {{compile: "off"}}'
    text = toy_text("vicreg", backbone=BACKBONE, extra=extra)
    spec = place / "toy.yaml"
    spec.write_text(text.replace("4 steps", "2 steps"))
    return spec


def asked(place: Path, *argv: str) -> Answer:
    data = ("--data", f"squares={place / 'squares'}")
    runs = () if argv[0] == "check" else ("--runs", str(place / "runs"))
    return ask(*argv, *data, *runs)


def test_one_op_and_one_card_are_a_dense_evaluation(place: Path) -> None:
    spec = write(place, SEGMENT % "")
    answer = asked(place, "run", str(spec))
    assert answer.status == 0, answer.err
    (path,) = (place / "runs" / "toy").iterdir()
    folder = RunFolder.open(path)
    results = [json.loads(p.read_text()) for p in sorted(folder.evaluations.glob("*.json"))]
    assert len(results) == 2  # before and after the training of the run
    for result in results:
        (measured,) = result["metrics"]
        assert measured["value"] > 0.6  # 0.33 for a constant class
    children = [p.parent for p in folder.evaluations.rglob("plan.json")]
    assert sorted(p.name for p in children) == ["step-0", "step-2"]
    for child in map(RunFolder.open, children):
        assert child.state() is State.FINISHED
        assert child.verify() == ()
        assert checkpoint.steps(child.checkpoints) == (40,)
    assert asked(place, "audit", str(path), "--level", "L4").status == 0


def test_the_mask_is_cut_and_flipped_like_the_image(place: Path) -> None:
    """Squares are bright, so pixels and masks agree in every view of a training."""
    from eqspec.build.data.loader import batches
    from eqspec.build.views.on_device import DeviceViews
    from eqspec.build.views.targets import target_reader

    spec = write(place, SEGMENT % "")
    where = DataLocations(named={"squares": place / "squares"})
    if not (place / "runs").exists():
        assert asked(place, "run", str(spec)).status == 0
    child = plan_in(next((place / "runs").rglob("step-2/plan.json")).parent)
    dataset = open_dataset(child.data, split="train", locations=where, own="squares")
    reader = target_reader(child, dataset)
    views = DeviceViews(child.views, seed=child.seed, device="cpu")
    for workers in (0, 1):
        for batch in batches(
            child, dataset, seed=child.seed, start_step=0, steps=3, workers=workers, targets=reader
        ):
            grey = views(batch).images["global"][0].mean(dim=1)
            bright = grey > 0.5
            mask = torch.from_numpy(batch.targets["mask"]) == 1
            assert (bright == mask).float().mean() > 0.93
            flipped = mask.flip(-1)
            assert (bright == flipped).float().mean() < 0.93


def test_held_out_crops_and_masks_agree(place: Path) -> None:
    op = find_dataset("squares")
    dataset = op.open(op.Params(), split="heldout", folder=place / "squares")
    (of,) = op.targets
    images = np.arange(len(dataset))
    for crops, targets in crops_with_targets(dataset, images, size=32, of=of):
        bright = crops.mean(dim=1) > 0.45
        mask = torch.from_numpy(targets["mask"]) == 1
        assert (bright == mask).float().mean() > 0.95


def test_data_without_masks_are_refused_at_the_evaluation(place: Path) -> None:
    spec = write(place, "{use: toy-segmentation, at: end, with: {data: cifar10}}")
    answer = asked(place, "check", str(spec))
    assert answer.status == 2
    assert "error[EQ040]: `toy-segmentation` needs masks, and `cifar10` has none" in answer.err
    assert f"{spec}:" in answer.err
    assert "^^^^^^^^^^^^^^^^ reads masks" in answer.err


def test_masks_are_no_labels(place: Path) -> None:
    answer = asked(place, "check", str(write(place, "{use: knn, at: end, with: {data: squares}}")))
    assert answer.status == 2
    assert "error[EQ040]: `knn` needs labels, and `squares` has none" in answer.err


def test_a_transform_that_masks_cannot_follow_is_refused(place: Path) -> None:
    answer = asked(place, "check", str(write(place, SEGMENT % ", steps: [flip, rot]")))
    assert answer.status == 2
    assert "`rot` moves the pixels of images, but not `mask`" in answer.err


def test_ignored_pixels_change_no_loss() -> None:
    term = DenseClassification(grid=(2, 2))
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 4, 3, generator=generator)
    mask = torch.randint(0, 3, (2, 8, 8), generator=generator)
    mask[0, :4] = -1
    mask[1] = -1
    assert term(x, mask) == term(x[:1], mask[:1]) / 2
    assert term(x[1:], mask[1:]) == 0
