"""`crops: shared` and `margin`: which part of an image the views of a group show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from eqspec.build.data.loader import Batch, batches
from eqspec.build.views.on_device import DeviceViews
from eqspec.compile.types.plan import Plan
from eqspec.spec.load import parse_spec
from tests.fakes import FakeImages
from tests.toy_specs import PATH, plan_of, toy_text

SEED = 3
CANVAS = PATH[:-1] + ", border: canvas}"
SHARED = "augment.with.global.crops=shared"
WIDE = "augment.with.global.margin=0.25"
FLIPS = (
    "augment.with.global.views=[{crop: {scale: [0.25, 1.0]}, steps: [{impl: flip, p: 0.5}]}, "
    "{crop: {scale: [0.1, 0.2]}, steps: [{impl: flip, p: 0.5}]}]"
)
ALL = "augment.use=all"


def planned(*overrides: str, equivariance: str = "none") -> Plan:
    text = toy_text("vicreg", equivariance=equivariance)
    return plan_of(parse_spec(text, path=Path("toy.yaml"), overrides=(ALL, *overrides)))


def loaded(plan: Plan) -> Batch:
    images = FakeImages(plan.data.count)
    return next(batches(plan, images, seed=SEED, start_step=2, steps=1))


def images(plan: Plan) -> tuple[torch.Tensor, torch.Tensor]:
    first, second = DeviceViews(plan.views, seed=SEED, device="cpu")(loaded(plan)).images["global"]
    return first, second


def test_views_share_the_box_and_the_flips_of_the_first() -> None:
    first, second = images(planned(SHARED, FLIPS))
    assert torch.equal(first, second)
    alone, other = images(planned(FLIPS))
    assert torch.equal(alone, first), "the first view draws as it always did"
    assert not torch.equal(alone, other)


def test_colours_stay_apart() -> None:
    plan = planned(SHARED)
    batch = loaded(plan)
    assert np.array_equal(batch.boxes["global", 0], batch.boxes["global", 1])
    first, second = images(plan)
    assert not torch.allclose(first, second)


def test_shared_crops_have_the_margin_of_the_path_in_every_view() -> None:
    """Otherwise the view that is transformed would show a smaller part of the image."""
    batch = loaded(planned(SHARED, equivariance=CANVAS))
    assert torch.equal(batch.canvases["global", 0], batch.canvases["global", 1])
    apart = loaded(planned(equivariance=CANVAS))
    assert apart.canvases["global", 0].shape != apart.canvases["global", 1].shape


def test_a_margin_gives_the_plain_method_the_parts_that_a_path_shows() -> None:
    plain, moved = loaded(planned(WIDE)), loaded(planned(WIDE, equivariance=CANVAS))
    for name in (("global", 0), ("global", 1)):
        assert np.array_equal(plain.boxes[name], moved.boxes[name])
        assert torch.equal(plain.canvases[name], moved.canvases[name])
    without = loaded(planned())
    shown = [b.boxes["global", 0][:, 2:].prod(axis=1).mean() for b in (without, plain)]
    assert shown[1] < shown[0]


def test_a_margin_below_the_path_s_need_is_widened_for_its_view_alone() -> None:
    plan = planned("augment.with.global.margin=0.1", equivariance=CANVAS)
    first, second = plan.views.views
    assert first.reach == 0.1 * first.size
    assert second.reach > first.reach


def test_views_of_another_group_are_left_alone() -> None:
    text = toy_text("ibot", equivariance=CANVAS)
    plan = plan_of(parse_spec(text, path=Path("toy.yaml"), overrides=(SHARED,)))
    local = [v for v in plan.views.views if v.group == "local"]
    assert all(v.place_of is None and v.reach == 0 for v in local)
