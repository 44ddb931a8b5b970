"""The loader: a batch depends on the step alone, not on where a run starts or who prepares it."""

from __future__ import annotations

import multiprocessing
import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from eqspec.build.data.ahead import shared_pixels
from eqspec.build.data.loader import Batch, _Steps, batches
from eqspec.compile.types.graph import GraphPlan
from eqspec.compile.types.plan import DataPlan, Plan, TrainPlan
from eqspec.compile.types.view_plan import CropPlan, SingleViewPlan, ViewPlan
from eqspec.errors import EqspecError
from eqspec.nn.random.source_slice import in_slice
from eqspec.ops.decode import UnreadableImage
from eqspec.ops.op import BATCH as BATCH_AXIS
from eqspec.ops.op import StreamType
from eqspec.ops.targets.kinds import LABELS
from eqspec.ops.tolerant import Tolerant, TooManyUnreadable
from eqspec.spec.use import OpCall
from tests.fakes import FakeImages

COUNT, BATCH = 27, 8
STEPS_PER_EPOCH = COUNT // BATCH


def plan_of(*, count: int = COUNT, batch: int = BATCH, held_back: float = 0.0) -> Plan:
    """Two views, the second with a margin, and one small view of another group."""
    crop = CropPlan(scale=(0.25, 1.0))
    small = CropPlan(scale=(0.05, 0.25), interpolation="bilinear")
    return Plan.model_construct(
        data=DataPlan(
            name="fake",
            impl="fake",
            params={},
            split="train",
            count=count,
            classes=2,
            held_back=held_back,
        ),
        views=ViewPlan(
            views=(
                SingleViewPlan(group="global", index=0, size=16, canvas=16, crop=crop),
                SingleViewPlan(group="global", index=1, size=16, canvas=24, reach=4.0, crop=crop),
                SingleViewPlan(group="local", index=0, size=8, canvas=8, crop=small),
            ),
            mean=(0.5, 0.5, 0.5),
            std=(0.25, 0.25, 0.25),
        ),
        train=TrainPlan(
            steps=100,
            steps_per_epoch=count // batch,
            batch=batch,
            precision="fp32",
            optimizer=OpCall(impl="adamw"),
            lr=1e-3,
            weight_decay=0.0,
        ),
        graph=GraphPlan.model_construct(
            streams={LABELS: StreamType(axes=("B",), sizes=(BATCH_AXIS,), dtype="int")}
        ),
    )


def each(*, start_step: int = 0, steps: int = 5, **others: int) -> Iterator[Batch]:
    seed = others.pop("seed", 3)
    return batches(
        plan_of(), FakeImages(COUNT), seed=seed, start_step=start_step, steps=steps, **others
    )


def some(**others: int) -> list[Batch]:
    return list(each(**others))


def assert_same(ours: Batch, theirs: Batch) -> None:
    assert (ours.step, ours.epoch) == (theirs.step, theirs.epoch)
    assert np.array_equal(ours.samples, theirs.samples)
    assert np.array_equal(ours.positions, theirs.positions)
    assert ours.canvases.keys() == theirs.canvases.keys()
    for key, canvas in ours.canvases.items():
        assert torch.equal(canvas, theirs.canvases[key]), key


def test_labels_are_those_of_the_samples():
    for batch in some(steps=3):
        np.testing.assert_array_equal(batch.labels, batch.samples % 2)


def test_images_that_are_held_back_are_never_read():
    plan = plan_of(count=24, held_back=0.1)
    left_out = np.flatnonzero(in_slice(FakeImages(COUNT).sources, share=0.1))
    assert len(left_out) == 3
    read = [b.samples for b in batches(plan, FakeImages(COUNT), seed=3, start_step=0, steps=6)]
    assert set(np.concatenate(read).tolist()) == set(range(COUNT)) - set(left_out.tolist())


def test_batch_does_not_depend_on_the_first_step():
    whole, tail = some(steps=10), some(start_step=7, steps=3)
    for ours, theirs in zip(whole[7:], tail, strict=True):
        assert_same(ours, theirs)


@pytest.mark.parametrize("workers", [1, 2])
def test_batch_does_not_depend_on_the_workers(workers):
    """Nor do its pixels change while it is used, however far ahead the workers are."""
    expected, before = some(steps=20, start_step=2), None
    found = each(steps=20, start_step=2, workers=workers)
    for ours, theirs in zip(expected, found, strict=True):
        time.sleep(0.03)  # until the workers have no room left
        assert_same(ours, theirs)
        if before is not None:
            assert_same(*before)
        before = ours, theirs


def test_workers_that_inherit_no_memory_send_the_same_pixels(monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda: "forkserver")
    assert shared_pixels([(2, 3)], workers=1) is None
    for ours, theirs in zip(some(steps=7), some(steps=7, workers=2), strict=True):
        assert_same(ours, theirs)


def test_what_workers_hand_over_needs_no_dev_shm():
    """Containers have 64 MB of /dev/shm, and tensors are handed over there."""
    steps = _Steps(plan_of(), FakeImages(COUNT), seed=3, rank=0, world=1)
    assert all(isinstance(pixels, np.ndarray) for pixels in steps[0].canvases.values())
    steps.shared = shared_pixels(steps.shapes, workers=1)
    item = steps[0]
    assert not item.canvases
    assert_same(steps.received(item), steps.batch(0))


def test_shares_of_ranks_concatenate_to_the_global_batch():
    shares = [some(steps=4, rank=rank, world=4) for rank in range(4)]
    for whole, *parts in zip(some(steps=4), *shares, strict=True):
        assert np.array_equal(whole.samples, np.concatenate([p.samples for p in parts]))
        assert np.array_equal(whole.positions, np.concatenate([p.positions for p in parts]))
        for key, canvas in whole.canvases.items():
            assert torch.equal(canvas, torch.cat([p.canvases[key] for p in parts]))


def test_epoch_shows_an_image_at_most_once_in_another_order_each_time():
    found = some(steps=2 * STEPS_PER_EPOCH)
    assert [b.epoch for b in found] == [0] * STEPS_PER_EPOCH + [1] * STEPS_PER_EPOCH
    first, second = (
        np.concatenate([b.samples for b in found if b.epoch == epoch]) for epoch in (0, 1)
    )
    for seen in (first, second):
        assert len(np.unique(seen)) == STEPS_PER_EPOCH * BATCH
        assert set(seen) <= set(range(COUNT))
    assert not np.array_equal(first, second)


def test_seed_changes_order_and_crops():
    ours, theirs = some(steps=1)[0], some(steps=1, seed=4)[0]
    assert not np.array_equal(ours.samples, theirs.samples)


def test_image_is_cropped_anew_for_every_view_and_epoch():
    crops = {}
    for batch in some(steps=2 * STEPS_PER_EPOCH):
        for row, sample in enumerate(batch.samples.tolist()):
            crops[sample, batch.epoch] = {k: c[row] for k, c in batch.canvases.items()}
    sample = next(s for s, epoch in crops if epoch == 0 and (s, 1) in crops)
    first, again = crops[sample, 0], crops[sample, 1]
    assert not torch.equal(first["global", 0], again["global", 0])
    assert not torch.equal(first["global", 0], first["global", 1][:, 4:20, 4:20])


def test_canvases_have_the_size_of_the_plan():
    (batch,) = some(steps=1, world=2)
    assert {key: tuple(c.shape) for key, c in batch.canvases.items()} == {
        ("global", 0): (4, 3, 16, 16),
        ("global", 1): (4, 3, 24, 24),
        ("local", 0): (4, 3, 8, 8),
    }
    assert all(c.dtype == torch.uint8 and c.is_contiguous() for c in batch.canvases.values())
    assert batch.samples.dtype == batch.positions.dtype == np.int64


def test_dataset_of_another_size_is_refused():
    with pytest.raises(EqspecError, match="the plan counts 27 images in `fake`, but 9 were found"):
        batches(plan_of(), FakeImages(9), seed=0, start_step=0, steps=1)


@pytest.mark.parametrize("workers", [0, 1])
def test_unreadable_image_is_reported_without_a_traceback(workers):
    error = EqspecError("cannot read the image a/b.jpg: truncated", help="repair it")
    dataset = FakeImages(COUNT, unreadable=int(some(steps=1)[0].samples[0]), error=error)
    found = batches(plan_of(), dataset, seed=3, start_step=0, steps=2, workers=workers)
    with pytest.raises(EqspecError) as caught:
        next(found)
    assert caught.value.message == "cannot read the image a/b.jpg: truncated"
    assert caught.value.help == "repair it"


@dataclass(frozen=True)
class Damaged(FakeImages):
    """Every fifth image cannot be read."""

    def image(self, i: int) -> np.ndarray:
        if i % 5 == 0:
            raise UnreadableImage(f"{i}.jpg", "truncated")
        return super().image(i)


def damaged(*, limit: int = 100, **others: int) -> tuple[list[Batch], Tolerant]:
    dataset = Tolerant(Damaged(COUNT), limit=limit)
    return list(batches(plan_of(), dataset, seed=3, **others)), dataset


def test_damage_does_not_depend_on_the_first_step_or_on_the_workers():
    whole, dataset = damaged(start_step=0, steps=6)
    assert set(dataset.unreadable) == set(range(0, COUNT, 5))
    tail, _ = damaged(start_step=4, steps=2)
    ahead, noted = damaged(start_step=0, steps=6, workers=2)
    for ours, theirs in zip(whole, [*ahead[:4], *tail], strict=True):
        assert_same(ours, theirs)
    assert noted.unreadable == dataset.unreadable
    clean = some(steps=6)
    for ours, theirs in zip(whole, clean, strict=True):
        assert np.array_equal(ours.samples, theirs.samples)


@pytest.mark.parametrize("workers", [0, 2])
def test_more_damage_than_is_borne_stops(workers):
    with pytest.raises(TooManyUnreadable, match="images cannot be read, but at most 3 are allowed"):
        damaged(limit=3, start_step=0, steps=6, workers=workers)


def test_workers_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    some(steps=1, workers=1)
    assert torch.equal(before, torch.get_rng_state())


def test_steps_can_be_sent_to_a_spawned_worker():
    steps = _Steps(plan_of(), FakeImages(COUNT), seed=3, rank=0, world=1)
    assert_same(pickle.loads(pickle.dumps(steps)).batch(5), steps.batch(5))
