"""With the same crops and parameters, eqspec's views equal those of the peers in the benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from benchmarks.speed.case import Setting
from benchmarks.speed.work import augmentation as own
from benchmarks.speed.work import augmentation_peers as peers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

BATCH = 24


def on_tensors(crops: list[Tensor], given: own.Given) -> peers.Views:
    """torchvision, image by image."""
    return peers.one_by_one(
        [list(view) for view in crops],
        given,
        step=peers.tensor_step,
        turn=peers.tensor_turn,
        tensor=lambda image: image,
    )


def with_kornia(crops: list[Tensor], given: own.Given) -> peers.Views:
    """kornia, if it is installed."""
    pytest.importorskip("kornia")
    return peers.batched(crops, given)


@pytest.mark.filterwarnings("default")  # kornia's own
@pytest.mark.parametrize(("augment", "levels"), [(on_tensors, 0.01), (with_kornia, 1.0)])
def test_views_agree(
    augment: Callable[[list[Tensor], own.Given], peers.Views], levels: float, tmp_path: Path
) -> None:
    """Largest difference in levels of 8 bits: 0.002 and 0.7 were found."""
    setting = Setting("cpu", "toy", tmp_path)
    plan, images = own.plan_here(setting, size=64, batch=BATCH), own.dataset(BATCH)
    batch = own.own_batch(plan, images)
    ours = own.own_views(plan)(batch)
    crops = [batch.canvases["global", view].float() / 255 for view in (0, 1)]
    given = own.given(plan, images)
    assert {step.name for view in given.steps for step in view} == {
        "flip",
        "color",
        "grayscale",
        "blur",
        "solarise",
    }
    theirs = augment(crops, given)
    std = torch.tensor(peers.STD)[:, None, None]
    assert 255 * ((theirs.views - ours.images["global"]) * std).abs().max() < levels
    assert ours.between is not None
    assert 255 * (theirs.between - ours.between).abs().max() < levels
