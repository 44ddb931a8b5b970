"""What a rewrite reads of how the views were made is what made them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eqspec.build.data.crop import Box, resize
from eqspec.build.data.loader import Batch, batches
from eqspec.build.views.on_device import DeviceViews
from eqspec.compile.types.plan import Plan
from eqspec.compile.types.view_plan import SingleViewPlan
from eqspec.nn.random.philox import Draws
from eqspec.ops.find import find_transform
from tests.fakes import FakeImages
from tests.toy_specs import REWRITES, toy_plan

SEED = 3
STEPS = ("color", "flip", "blur", "grayscale", "solarise")


def loaded(plan: Plan, *, step: int = 2, **others: int) -> Batch:
    images = FakeImages(plan.data.count)
    return next(batches(plan, images, seed=SEED, start_step=step, steps=1, **others))


def views_of(plan: Plan) -> DeviceViews:
    return DeviceViews(plan.views, seed=SEED, device="cpu")


def reading(*streams: str) -> Plan:
    """VICReg's views with streams of drawn parameters."""
    plan = toy_plan("vicreg", equivariance=REWRITES["augself"])
    return plan.model_copy(update={"views": plan.views.model_copy(update={"draws": streams})})


def applied(view: SingleViewPlan, impl: str, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Who gets a step, and its parameters in float64, from the generator itself."""
    step = next(step for step in view.steps if step.impl == impl)
    op, draws = find_transform(impl), Draws(SEED)
    ranges = np.array(op.ranges(op.Params.model_validate(step.params), size=view.size))
    ranges = ranges.reshape(-1, 2)
    place = {"step": batch.epoch, "samples": batch.samples, "view": view.index}
    chosen = draws.uniform(f"global.{impl}.apply", count=1, **place)[:, 0] < step.p
    share = draws.uniform(f"global.{impl}", count=max(1, len(ranges)), **place)
    return chosen, ranges[:, 0] + share[:, : len(ranges)] * (ranges[:, 1] - ranges[:, 0])


@pytest.mark.parametrize("impl", STEPS)
def test_parameters_are_bit_equal_to_what_was_applied(impl: str) -> None:
    plan = reading(f"draws.{impl}")
    batch = loaded(plan)
    stream = views_of(plan)(batch).draws[f"draws.{impl}"].numpy()
    assert stream.dtype == np.float32
    op = find_transform(impl)
    for view in (v for v in plan.views.views if v.group == "global"):
        if all(step.impl != impl for step in view.steps):
            assert not stream[view.index].any(), "no such step: as if it were never applied"
            continue
        chosen, theta = applied(view, impl, batch)
        step = next(step for step in view.steps if step.impl == impl)
        bounds = op.ranges(op.Params.model_validate(step.params), size=view.size)
        wide = np.array([high - low for low, high in bounds])
        wanted = (theta - np.array(op.identity)) / wide if bounds else np.ones((len(chosen), 1))
        wanted = np.where(chosen[:, None], wanted, 0.0).astype(np.float32)
        np.testing.assert_array_equal(stream[view.index], wanted)
        assert chosen.sum() > 0 or step.p < 0.3


def test_the_pixels_are_made_with_these_parameters() -> None:
    """The first step of the pipeline after the flip, applied by hand to the loader's canvas."""
    plan = reading("draws.color", "draws.flip")
    views = plan.views.model_copy(
        update={
            "views": tuple(v.model_copy(update={"steps": v.steps[:2]}) for v in plan.views.views)
        }
    )
    plan = plan.model_copy(update={"views": views})
    batch = loaded(plan)
    drawn = views_of(plan)(batch)
    view = views.views[1]
    chosen, theta = applied(view, "color", batch)
    canvas = batch.canvases["global", 1].float() / 255
    flipped = drawn.draws["draws.flip"][1, :, 0] == 1
    canvas = torch.where(flipped[:, None, None, None], canvas.flip(-1), canvas)
    op, step = find_transform("color"), view.steps[1]
    at = op.build(op.Params.model_validate(step.params), size=view.size, border="reflect")
    rows = np.flatnonzero(chosen)
    (changed,) = at(
        canvas[rows], torch.from_numpy(theta[rows].astype(np.float32)), fractions=(1.0,)
    )
    canvas[rows] = changed
    mean, std = (torch.tensor(v)[:, None, None] for v in (views.mean, views.std))
    assert torch.equal(drawn.images["global"][1], (canvas - mean) / std)


def test_the_box_is_the_one_that_was_cut() -> None:
    plan = reading("draws.crop")
    batch = loaded(plan)
    stream = views_of(plan)(batch).draws["draws.crop"].numpy()
    images = FakeImages(plan.data.count)
    for view in (v for v in plan.views.views if v.group == "global"):
        boxes = batch.boxes["global", view.index]
        np.testing.assert_array_equal(stream[view.index], boxes.astype(np.float32))
        for row, sample in enumerate(batch.samples.tolist()):
            image = images.image(sample)
            height, width, _ = image.shape
            left, top, wide, high = boxes[row] * (width, height, width, height)
            box = Box(left, top, min(left + wide, width), min(top + high, height))
            again = resize(image, box, canvas=view.canvas, interpolation=view.crop.interpolation)
            canvas = batch.canvases["global", view.index][row].permute(1, 2, 0).numpy()
            assert np.abs(again.astype(int) - canvas).max() <= 1


def test_all_parameters_side_by_side() -> None:
    plan = reading("draws", *(f"draws.{name}" for name in ("crop", *STEPS)))
    draws = views_of(plan)(loaded(plan)).draws
    order = ("crop", "flip", "color", "grayscale", "blur", "solarise")
    assert torch.equal(draws["draws"], torch.cat([draws[f"draws.{n}"] for n in order], dim=-1))
    assert draws["draws"].shape == (2, 8, 4 + 1 + 4 + 1 + 1 + 1)


def test_a_rank_reads_its_share() -> None:
    plan = reading("draws")
    whole = views_of(plan)(loaded(plan)).draws["draws"]
    parts = [views_of(plan)(loaded(plan, rank=rank, world=2)).draws["draws"] for rank in range(2)]
    assert torch.equal(torch.cat(parts, dim=1), whole)


def test_nothing_is_handed_on_that_is_not_read() -> None:
    plan = toy_plan("vicreg")
    drawn = views_of(plan)(loaded(plan))
    assert (drawn.draws, drawn.pixels) == ({}, None)


def test_copies_are_one_view_turned() -> None:
    """The same crop, colours and flip, by 0, 90, 180 and 270 degrees counter-clockwise, exactly."""
    plan = toy_plan("vicreg", equivariance=REWRITES["e-ssl"])
    batch = loaded(plan)
    assert set(batch.canvases) == {("global", 0), ("global", 1), ("turned", 0)}
    turned = views_of(plan)(batch).images["turned"]
    assert turned.shape == (4, 8, 3, 16, 16)
    for turns, images in enumerate(turned):
        assert torch.equal(images, turned[0].rot90(turns, dims=(-2, -1)))
    assert not torch.equal(turned[0], turned[2])


def test_an_added_group_moves_no_other_view() -> None:
    base, rewritten = toy_plan("vicreg"), toy_plan("vicreg", equivariance=REWRITES["e-ssl"])
    before, after = (views_of(p)(loaded(p)).images["global"] for p in (base, rewritten))
    assert torch.equal(before, after)


def test_the_plain_view_is_the_middle_of_the_image() -> None:
    plan = toy_plan("vicreg", equivariance=REWRITES["equimod"])
    batch = loaded(plan)
    drawn = views_of(plan)(batch)
    assert drawn.images["plain"].shape == (1, 8, 3, 32, 32)
    image = FakeImages(plan.data.count).image(int(batch.samples[0]))  # 48 wide, 40 high
    middle = resize(image, Box(6.5, 2.5, 41.5, 37.5), canvas=32, interpolation="bilinear")
    assert np.array_equal(batch.canvases["plain", 0][0].permute(1, 2, 0).numpy(), middle)


def test_pixels_are_the_views_before_normalisation() -> None:
    plan = toy_plan("vicreg", equivariance=REWRITES["cross-attention"])
    drawn = views_of(plan)(loaded(plan))
    assert drawn.pixels is not None
    assert -1e-6 <= drawn.pixels.min() <= drawn.pixels.max() <= 1 + 1e-6
    mean, std = (torch.tensor(v)[:, None, None] for v in (plan.views.mean, plan.views.std))
    assert torch.equal((drawn.pixels - mean) / std, drawn.images["global"])
