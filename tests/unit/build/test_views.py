"""Views on the device: what the path promises, who gets a step, and independence of the batch."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from eqspec.build.data.loader import Batch
from eqspec.build.views.on_device import DeviceViews, ViewBatch
from eqspec.compile.types.view_plan import AugmentStep, CropPlan, PathPlan, SingleViewPlan, ViewPlan
from eqspec.nn.pixels.canvas import canvas_side
from eqspec.ops.find import find_transform
from tests.fakes import FakeImages

SIZE = 32
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
CROP = CropPlan(scale=(0.25, 1.0))
COLOR = {"brightness": [-0.4, 0.4], "contrast": [-0.4, 0.4], "hue": [-0.1, 0.1]}
JITTER = AugmentStep(impl="color", p=0.5, params=COLOR)

PATHS = {
    "rot": {"degrees": [-45, 45]},
    "trans": {"pixels": [-10, 10]},
    "se2": {"degrees": [-45, 45], "pixels": [-10, 10]},
    "color": {**COLOR, "saturation": [-0.4, 0.4]},
    "blur": {"sigma": [0.1, 2.0]},
}


def path_of(impl: str, params: dict, *, border: str = "reflect", images: int = 2) -> PathPlan:
    op = find_transform(impl)
    return PathPlan(
        impl=impl,
        params=params,
        fractions=tuple(k / (images + 1) for k in range(1, images + 1)),
        border=border,
        action_dim=op.action_dim,
        names=op.names,
    )


def plan_of(*, path: PathPlan | None = None, steps: tuple[AugmentStep, ...] = ()) -> ViewPlan:
    """Two global views, the second one with the margin that its path asks for, and a local one."""
    reach = 0.0
    if path is not None and path.border == "canvas":
        op = find_transform(path.impl)
        reach = op.reach(op.Params.model_validate(path.params), size=SIZE)
    second = {"canvas": canvas_side(SIZE, reach), "reach": reach}
    return ViewPlan(
        views=(
            SingleViewPlan(group="global", index=0, size=SIZE, canvas=SIZE, crop=CROP, steps=steps),
            SingleViewPlan(group="global", index=1, size=SIZE, **second, crop=CROP, steps=steps),
            SingleViewPlan(group="local", index=0, size=16, canvas=16, crop=CROP, steps=steps),
        ),
        path=path,
        mean=MEAN,
        std=STD,
    )


def batch_of(plan: ViewPlan, samples: list[int], *, epoch: int = 0) -> Batch:
    """Canvases that depend on the sample and the view alone."""
    ids = np.array(samples, dtype=np.int64)
    canvases = {}
    for v in plan.views:
        images = FakeImages(1000, height=v.canvas, width=v.canvas)
        stacked = np.stack([images.image(3 * s + v.index) for s in samples])
        canvases[v.group, v.index] = torch.from_numpy(stacked).permute(0, 3, 1, 2).contiguous()
    positions = np.arange(len(ids), dtype=np.int64)
    return Batch(step=epoch, epoch=epoch, samples=ids, positions=positions, canvases=canvases)


def views_of(plan: ViewPlan, batch: Batch, *, seed: int = 5) -> ViewBatch:
    return DeviceViews(plan, seed=seed, device="cpu")(batch)


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    return (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def frame(plan: ViewPlan, batch: Batch, *, group: str = "global", index: int) -> torch.Tensor:
    """The view itself in [0, 1], without steps, path or margin."""
    canvas = batch.canvases[group, index].to(torch.float32) / 255
    (view,) = (v for v in plan.views if (v.group, v.index) == (group, index))
    margin = (view.canvas - view.size) // 2
    return canvas[..., margin : margin + view.size, margin : margin + view.size]


def test_view_without_steps_is_its_normalised_canvas():
    plan = plan_of()
    batch = batch_of(plan, [4, 9, 2])
    seen = views_of(plan, batch)
    assert seen.between is seen.theta is seen.actions is None
    assert {name: tuple(x.shape) for name, x in seen.images.items()} == {
        "global": (2, 3, 3, SIZE, SIZE),
        "local": (1, 3, 3, 16, 16),
    }
    for index in (0, 1):
        expected = normalised(frame(plan, batch, index=index))
        assert torch.equal(seen.images["global"][index], expected)


@pytest.mark.parametrize("border", ["reflect", "zeros", "canvas"])
@pytest.mark.parametrize("impl", PATHS)
def test_path_of_the_identity_leaves_every_point_at_the_frame(impl, border):
    op = find_transform(impl)
    still = {name: [0.0, 0.0] for name in PATHS[impl]}
    wide = plan_of(path=path_of(impl, PATHS[impl], border=border))
    plan = wide.model_copy(update={"path": path_of(impl, still, border=border)})
    batch = batch_of(plan, [1, 2])
    seen = views_of(plan, batch)
    u = frame(plan, batch, index=1)
    assert (plan.views[1].canvas > SIZE) == (border == "canvas" and op.kind == "geometry")
    assert torch.equal(seen.between, torch.stack([u, u]))
    assert torch.equal(seen.images["global"][1], normalised(u))
    assert not seen.theta.any()


@pytest.mark.parametrize("border", ["reflect", "zeros", "canvas"])
@pytest.mark.parametrize("impl", PATHS)
def test_doubling_theta_and_the_number_of_steps_leaves_the_images_between(impl, border):
    half = {name: [bound / 2 for bound in bounds] for name, bounds in PATHS[impl].items()}
    wide = plan_of(path=path_of(impl, PATHS[impl], border=border, images=5))
    short = wide.model_copy(update={"path": path_of(impl, half, border=border, images=2)})
    batch = batch_of(wide, [1, 2, 3])
    far, near = views_of(wide, batch), views_of(short, batch)
    assert torch.equal(far.theta, 2 * near.theta)
    if impl == "blur":
        # The range of σ also sets the width of the kernel, whose tails do differ.
        assert (far.between[:2] - near.between).abs().max() < 1e-3
    else:
        assert torch.equal(far.between[:2], near.between)


def test_only_the_path_s_own_view_is_transformed():
    path = path_of("rot", PATHS["rot"])
    plan = plan_of(path=path)
    batch = batch_of(plan, [1, 2])
    seen = views_of(plan, batch)
    assert torch.equal(seen.images["global"][0], normalised(frame(plan, batch, index=0)))
    local = normalised(frame(plan, batch, group="local", index=0))
    assert torch.equal(seen.images["local"][0], local)
    assert not torch.equal(seen.images["global"][1], normalised(frame(plan, batch, index=1)))


def test_path_s_parameters_fill_their_range_and_are_encoded():
    plan = plan_of(path=path_of("se2", PATHS["se2"]))
    samples = list(range(400))
    seen = views_of(plan, batch_of(plan, samples))
    op = find_transform("se2")
    params = op.Params.model_validate(PATHS["se2"])
    assert seen.theta.dtype == seen.actions.dtype == torch.float32
    for column, (low, high) in enumerate(op.ranges(params, size=SIZE)):
        drawn = seen.theta[:, column]
        assert low <= drawn.min() < low + 0.05 * (high - low)
        assert high >= drawn.max() > high - 0.05 * (high - low)
    expected = op.encode(params, seen.theta.to(torch.float64).numpy(), size=SIZE)
    assert seen.actions.shape == (400, op.action_dim)
    assert torch.allclose(seen.actions, torch.from_numpy(expected).to(torch.float32), atol=1e-5)


@pytest.mark.parametrize("border", ["reflect", "canvas"])
def test_sample_gets_the_same_views_wherever_it_stands_in_a_batch(border):
    steps = (
        AugmentStep(impl="flip", p=0.5),
        JITTER,
        AugmentStep(impl="blur", params={"sigma": [0.1, 2.0]}),
    )
    plan = plan_of(path=path_of("se2", PATHS["se2"], border=border), steps=steps)
    samples = [11, 5, 42, 7, 30, 8]
    whole = views_of(plan, batch_of(plan, samples))
    order = [4, 0, 5]
    some = views_of(plan, batch_of(plan, [samples[i] for i in order]))
    assert torch.equal(some.theta, whole.theta[order])
    assert torch.equal(some.actions, whole.actions[order])
    for part, everything in (
        *((some.images[name], whole.images[name]) for name in whole.images),
        (some.between, whole.between),
    ):
        assert torch.allclose(part, everything[:, order], rtol=0, atol=1e-6)


def test_draws_change_with_seed_epoch_and_view():
    step = AugmentStep(impl="color", params={"brightness": [-0.4, 0.4]})
    plan = plan_of(path=path_of("rot", PATHS["rot"]), steps=(step,))
    batch = batch_of(plan, [1, 2, 3])
    one = views_of(plan, batch)
    for other in (views_of(plan, batch, seed=6), views_of(plan, replace(batch, epoch=1))):
        assert not torch.equal(one.theta, other.theta)
        assert not torch.equal(one.images["global"][0], other.images["global"][0])
    same = dict.fromkeys([("global", 0), ("global", 1)], batch.canvases["global", 0])
    twice = views_of(
        plan_of(steps=(step,)), replace(batch, canvases={**batch.canvases, **same})
    ).images["global"]
    assert not torch.equal(twice[0], twice[1])


def test_step_reaches_its_share_of_samples_and_leaves_the_others_as_they_were():
    samples = list(range(300))
    plan = plan_of(steps=(JITTER,))
    batch = batch_of(plan, samples)
    seen = views_of(plan, batch).images["global"][0]
    everyone = views_of(plan_of(steps=(JITTER.model_copy(update={"p": 1.0}),)), batch)
    plain = normalised(frame(plan, batch, index=0))
    untouched = (seen == plain).flatten(1).all(1)
    chosen = (seen == everyone.images["global"][0]).flatten(1).all(1)
    assert torch.equal(untouched, ~chosen)
    assert abs(chosen.float().mean() - 0.5) < 4 * math.sqrt(0.25 / len(samples))


def test_step_of_probability_zero_changes_nothing():
    plan = plan_of(steps=(JITTER.model_copy(update={"p": 0.0}),))
    batch = batch_of(plan, [1, 2])
    seen = views_of(plan, batch).images["global"][1]
    assert torch.equal(seen, normalised(frame(plan, batch, index=1)))


def test_flip_mirrors_every_sample_that_it_is_applied_to():
    plan = plan_of(steps=(AugmentStep(impl="flip", p=1.0),))
    batch = batch_of(plan, list(range(8)))
    seen = views_of(plan, batch).images["global"][0]
    assert torch.equal(seen, normalised(frame(plan, batch, index=0)).flip(-1))


def test_steps_run_in_order_on_the_whole_canvas_before_the_path():
    steps = (AugmentStep(impl="grayscale"), AugmentStep(impl="solarise"))
    plan = plan_of(path=path_of("rot", PATHS["rot"], border="canvas"), steps=steps)
    batch = batch_of(plan, [1, 2, 3])
    seen = views_of(plan, batch)
    assert plan.views[1].canvas > SIZE
    gray = find_transform("grayscale")
    solarise = find_transform("solarise")
    rot = find_transform("rot")
    canvas = batch.canvases["global", 1].to(torch.float32) / 255
    none = torch.empty(3, 0)
    for op in (gray, solarise):
        at = op.build(op.Params(), size=canvas.shape[-1], border="reflect")
        canvas = at(canvas, none, fractions=(1.0,))[0]
    at = rot.build(rot.Params(degrees=(-45, 45)), size=SIZE, border="canvas")
    points = at(canvas, seen.theta, fractions=(1 / 3, 2 / 3, 1.0))
    assert torch.equal(seen.between, points[:2])
    assert torch.equal(seen.images["global"][1], normalised(points[2]))


def test_same_step_twice_in_a_view_draws_twice():
    step = AugmentStep(impl="color", params={"brightness": [-0.4, 0.4]})
    plan = plan_of(steps=(step, step))
    gray = torch.full((50, 3, SIZE, SIZE), 60, dtype=torch.uint8)
    batch = batch_of(plan, list(range(50)))
    batch = replace(batch, canvases={**batch.canvases, ("global", 0): gray})
    once = views_of(plan_of(steps=(step,)), batch).images["global"][0]
    twice = views_of(plan, batch).images["global"][0]
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    first = (once * std + mean) / (60 / 255)
    second = (twice * std + mean) / (60 / 255) / first
    assert not torch.allclose(first, second, atol=1e-2)


@pytest.mark.parametrize("impl", PATHS)
def test_tiles_do_not_change_a_bit(impl: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sample at a time, two, or all at once; also for a view that begins as another's copy."""
    blur = AugmentStep(impl="blur", p=0.5, params={"sigma": [0.1, 2.0]})
    flip = AugmentStep(impl="flip", p=0.5, params={})
    plan = plan_of(path=path_of(impl, PATHS[impl]), steps=(flip, JITTER, blur))
    first, second, local = plan.views
    copy = second.model_copy(update={"copy_of": 0, "steps": (JITTER,)})
    plan = plan.model_copy(update={"views": (first, copy, local), "pixels": True})
    batch = batch_of(plan, [7, 1, 12, 5, 3])
    found: list[ViewBatch] = []
    for samples in (1, 2, 100):
        monkeypatch.setattr("eqspec.build.views.tiles.TILE", samples * 12 * SIZE**2)
        found.append(views_of(plan, batch))
    whole = found[-1]
    assert whole.between is not None
    assert whole.pixels is not None
    for views in found[:-1]:
        assert all(torch.equal(views.images[g], x) for g, x in whole.images.items())
        assert torch.equal(views.between, whole.between)
        assert torch.equal(views.pixels, whole.pixels)
