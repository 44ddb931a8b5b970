"""Draws that samples share: by the place in the global batch, and by nothing that may change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from eqspec.build.data.loader import Batch, batches
from eqspec.build.views.on_device import DeviceViews
from eqspec.build.views.steps import Applied, build_steps
from eqspec.compile.types.plan import Plan
from eqspec.compile.types.shared_draws import SharedPlan
from eqspec.compile.types.view_plan import AugmentStep, CropPlan, SingleViewPlan
from eqspec.nn.random.philox import Draws
from tests.fakes import FakeImages
from tests.toy_specs import toy_plan

COUNT, BATCH = 40, 12
STEPS = (
    AugmentStep(impl="color", p=0.5, params={"brightness": [-0.4, 0.4], "hue": [-0.1, 0.1]}),
    AugmentStep(impl="flip", p=0.5),
    AugmentStep(impl="flip", p=0.5),
)
CROP = CropPlan(scale=(0.25, 1.0))
ALONE = SingleViewPlan(group="global", index=0, size=16, canvas=16, crop=CROP, steps=STEPS)


def in_groups(samples: int, *own: str) -> SingleViewPlan:
    return ALONE.model_copy(update={"shared": SharedPlan(samples=samples, own=own)})


def batch_of(*, step: int = 2, epoch: int = 0, positions: range = range(BATCH)) -> Batch:
    at = np.array(positions)
    return Batch(step=step, epoch=epoch, samples=100 - at, positions=at, canvases={})


def drawn(view: SingleViewPlan, batch: Batch) -> dict[str, NDArray[np.float64]]:
    """Of each step whether a sample got it, and with which parameters, `[b, 1 + P]`."""
    found: dict[str, NDArray[np.float64]] = {}
    for step in build_steps(view):
        done: Applied = step.draw(Draws(4), batch)
        table = np.zeros((len(batch.samples), 1 + len(step.transform.low)))
        table[done.rows, 0] = 1
        if len(done.rows):
            table[done.rows, 1:] = done.theta
        found[step.name] = table
    return found


@pytest.mark.parametrize("samples", [2, 3, 6])
def test_a_group_draws_once(samples: int) -> None:
    for table in drawn(in_groups(samples), batch_of()).values():
        groups = table.reshape(-1, samples, table.shape[1])
        assert (groups == groups[:, :1]).all()
    parameters = drawn(in_groups(samples), batch_of(positions=range(600)))["color"]
    assert len(np.unique(parameters, axis=0)) == 1 + parameters[::samples, 0].sum()


def test_own_steps_are_drawn_as_if_nothing_were_shared() -> None:
    """All steps of an op are, the second flip too."""
    batch, alone = batch_of(), drawn(ALONE, batch_of())
    shared = drawn(in_groups(3, "flip"), batch)
    assert np.array_equal(shared["flip"], alone["flip"])
    assert np.array_equal(shared["flip.2"], alone["flip.2"])
    assert not np.array_equal(shared["color"], alone["color"])


def test_a_step_draws_anew_and_an_epoch_does_not_matter() -> None:
    now = drawn(in_groups(2), batch_of(step=5))["color"]
    assert np.array_equal(now, drawn(in_groups(2), batch_of(step=5, epoch=1))["color"])
    assert not np.array_equal(now, drawn(in_groups(2), batch_of(step=6))["color"])


def test_a_rank_draws_its_part_of_a_group() -> None:
    """Whatever its share is: groups of three in shares of four."""
    whole = drawn(in_groups(3), batch_of())
    for first in range(0, BATCH, 4):
        part = drawn(in_groups(3), batch_of(positions=range(first, first + 4)))
        assert all(np.array_equal(part[n], whole[n][first : first + 4]) for n in whole)


def plan_of(view: SingleViewPlan) -> Plan:
    """The toy of VICReg on a few images, with one view."""
    toy = toy_plan("vicreg")
    return toy.model_copy(
        update={
            "views": toy.views.model_copy(update={"views": (view,)}),
            "train": toy.train.model_copy(update={"batch": BATCH, "steps_per_epoch": 3}),
        }
    )


def read(view: SingleViewPlan, *, start: int = 0, steps: int = 4, **ranks: int) -> list[Batch]:
    data = FakeImages(COUNT)
    return list(batches(plan_of(view), data, seed=1, start_step=start, steps=steps, **ranks))


def boxes(batch: Batch) -> NDArray[np.float64]:
    return batch.boxes["global", 0]


def test_a_group_shows_the_same_part_of_its_images() -> None:
    (batch,) = read(in_groups(4), steps=1)
    groups = boxes(batch).reshape(3, 4, 4)
    assert (groups == groups[:, :1]).all()
    assert len(np.unique(boxes(batch), axis=0)) == 3
    (alone,) = read(in_groups(4, "crop"), steps=1)
    (unshared,) = read(ALONE, steps=1)
    assert np.array_equal(boxes(alone), boxes(unshared))


def test_crops_do_not_depend_on_the_first_step_or_on_ranks() -> None:
    whole = read(in_groups(4), steps=5)
    tail = read(in_groups(4), start=3, steps=2)
    assert all(np.array_equal(boxes(a), boxes(b)) for a, b in zip(whole[3:], tail, strict=True))
    ranks = [read(in_groups(4), steps=5, rank=rank, world=2) for rank in (0, 1)]
    for one, *parts in zip(whole, *ranks, strict=True):
        assert np.array_equal(boxes(one), np.concatenate([boxes(part) for part in parts]))


def test_one_image_twice_in_a_group_is_one_view() -> None:
    """With everything that makes a view, the loader and the device."""
    plan = plan_of(in_groups(2, "flip"))
    (batch,) = batches(plan, FakeImages(COUNT), seed=1, start_step=0, steps=1)
    first = batch.canvases["global", 0][:1].expand(BATCH, -1, -1, -1)
    twins = replace(batch, canvases={("global", 0): first})
    (seen,) = DeviceViews(plan.views, seed=1, device="cpu")(twins).images["global"]
    same = [
        bool(torch.equal(a, b) or torch.equal(a, b.flip(-1))) for a, b in seen.unflatten(0, (-1, 2))
    ]
    assert all(same)
    assert len({float(pair[0].mean()) for pair in seen.unflatten(0, (-1, 2))}) > 1
