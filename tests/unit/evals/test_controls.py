"""The block-grid control finds JPEG's grid, and little where there is none."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import cache
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image

from eqspec.compile.types.plan import DataPlan, EvalPlan
from eqspec.evals.bench import Bench
from eqspec.evals.controls import CONTROLS, block_grid, grid_energy
from eqspec.evals.evaluate import evaluate
from eqspec.registry.cards import EvaluationCard

SIDE = 48
"""The canvas of images of 32 pixels: nothing is resized, so the grid's period stays 8."""


@dataclass(frozen=True)
class Stored:
    """Gentle waves in random directions, stored as JPEG of a quality or as they are."""

    count: int
    seed: int
    quality: int | None

    @property
    def sources(self) -> np.ndarray:
        return np.arange(self.count)

    def __len__(self) -> int:
        return self.count

    def image(self, i: int) -> np.ndarray:
        pixels = waves(self.seed + i)
        if self.quality is None:
            return pixels
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=self.quality)
        return np.asarray(Image.open(file))


@cache
def waves(seed: int) -> np.ndarray:
    drawn = torch.rand(4, 3, generator=torch.Generator().manual_seed(seed))
    axis = torch.arange(SIDE) - (SIDE - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    built = torch.zeros(SIDE, SIDE)
    for share, turn, phase in drawn.tolist():
        frequency, angle = 0.01 + 0.02 * share, 2 * math.pi * turn
        at = x * math.cos(angle) + y * math.sin(angle)
        built += torch.cos(2 * math.pi * (frequency * at + phase))
    built = (built - built.min()) / (built.max() - built.min())
    return (built * 255).to(torch.uint8).numpy()[..., None].repeat(3, axis=2)


def rotation(quality: int | None) -> float:
    """R² of the angle from nothing but the grid."""
    params = {
        "families": {"rot": {"impl": "rot", "params": {"degrees": [-45, 45]}}},
        "borders": ["canvas"],
        "rows": ["encoder"],
        "draws": 4,
        "train_pairs": 1200,
        "heldout_pairs": 100,
        "hidden": [64],
        "epochs": 12,
        "batch": 64,
        "lr": 3e-3,
        "weight_decay": 1.0,
        "seeds": 1,
    }
    data = DataPlan(name="built", impl="built", params={}, split="train", count=0)
    plan = EvalPlan(id="0", name="r2", impl="r2", rev=1, params=params, data=data, steps=())
    train, held = Stored(300, 0, quality), Stored(100, 1000, quality)
    result = evaluate(plan, Bench(block_grid(train, size=32), train=train, held_out=held))
    return next(m.value for m in result.measurements if m.name == "r2")


def test_the_grid_tells_the_angle_where_there_is_one() -> None:
    assert rotation(20) > 0.5


def test_without_a_grid_there_is_little_to_read() -> None:
    assert rotation(None) < 0.2


def test_the_period_is_that_of_the_encoders_images() -> None:
    seen = {
        size: block_grid(Stored(3, 0, None), size=size).encoder.keywords["period"]
        for size in (32, 64)
    }
    assert seen == {32: 8.0, 64: 16.0}


def test_a_blocky_image_has_its_energy_upright() -> None:
    blocks = (torch.arange(4)[:, None] + torch.arange(4)) % 2
    image = blocks.repeat_interleave(8, 0).repeat_interleave(8, 1).expand(1, 3, -1, -1).float()
    found = grid_energy(image, period=8.0)[0, 0, :19]
    assert found.argmax() == 9
    assert found[9] > 3 * found[[0, -1]].max()


def test_flat_images_have_none() -> None:
    found = grid_energy(torch.full((2, 3, 32, 32), 0.4), period=5.3)
    assert found.shape[:2] == (2, 1)
    assert found.abs().max() < 1e-3


def test_cards_may_name_every_control() -> None:
    (inner,) = get_args(EvaluationCard.model_fields["controls"].annotation)
    assert set(get_args(inner)) == set(CONTROLS)


@pytest.mark.parametrize("period", [2.0, 3.0, 8.0])
def test_short_periods_stay_below_what_pixels_can_show(period: float) -> None:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert grid_energy(images, period=period).isfinite().all()
