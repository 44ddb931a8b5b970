"""Centre crops, which images are taken, what is encoded once, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor

from eqspec.compile.types.plan import DataPlan, EvalPlan
from eqspec.errors import EqspecError, SpecError, UsageError
from eqspec.evals.bench import Bench
from eqspec.evals.evaluate import check_data, compare, evaluate
from eqspec.evals.features import Subject
from eqspec.evals.images import centre_box, centre_crop, chosen_images, encode_images
from eqspec.nn.readouts.measurement import ResultSet
from tests.fakes import FakeImages

DATA = DataPlan(name="made", impl="made", params={}, split="train", count=0)
PARAMS = {
    "knn": {"k": [3], "temperature": 0.07},
    "linear_probe": {"lrs": [0.01], "slice": 0.2, "epochs": 1, "batch": 8},
    "effective_rank": {"images": 12},
}


def plan(impl: str, **changed) -> EvalPlan:
    params = PARAMS[impl] | changed
    return EvalPlan(id=impl, name=impl, impl=impl, rev=1, params=params, data=DATA, steps=())


@dataclass(frozen=True)
class Counted(FakeImages):
    """Images that count how often they are read; `labelled` or not."""

    labelled: bool = True
    read: list[int] = field(default_factory=list)

    @property
    def labels(self) -> np.ndarray | None:
        return super().labels if self.labelled else None

    def image(self, i: int) -> np.ndarray:
        self.read.append(i)
        return super().image(i)


def subject() -> Subject:
    """An encoder of the quarters' mean colours, whose embedding is cut in two."""

    def encoder(images: Tensor) -> Tensor:
        pooled = torch.nn.functional.avg_pool2d(images, 16)
        return pooled.flatten(2).transpose(1, 2)

    return Subject(
        encoder=encoder,
        prefix=1,
        size=32,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        embedding=lambda tokens: torch.cat([tokens, 2 * tokens], dim=2),
        split=(2, 4),
    )


@pytest.mark.parametrize(
    ("width", "height", "size", "expected"),
    [
        (500, 375, 224, (85.9375, 23.4375, 414.0625, 351.5625)),  # 7/8 of the short side
        (64, 64, 32, (4, 4, 60, 60)),
        (240, 240, 224, (8, 8, 232, 232)),  # never fewer pixels than the encoder's image has
        (32, 32, 224, (0, 0, 32, 32)),  # all of a small image
        (32, 32, 32, (0, 0, 32, 32)),
    ],
)
def test_the_box_is_the_middle(width: int, height: int, size: int, expected: tuple) -> None:
    box = centre_box(width=width, height=height, size=size)
    assert (box.left, box.top, box.right, box.bottom) == expected


def test_an_image_of_the_encoders_size_is_taken_as_it_is() -> None:
    image = FakeImages(1, height=32, width=32).image(0)
    crop = centre_crop(image, size=32)
    torch.testing.assert_close(crop, torch.from_numpy(image).permute(2, 0, 1) / 255)


def test_a_smaller_limit_takes_some_of_the_same_images() -> None:
    some, more, all_ = (chosen_images(50, limit=limit) for limit in (7, 20, None))
    assert set(some) < set(more) < set(all_)
    np.testing.assert_array_equal(all_, np.arange(50))
    np.testing.assert_array_equal(some, np.sort(some))


def test_features_come_with_labels_in_every_row_of_the_model() -> None:
    found = encode_images(subject(), FakeImages(9), limit=5)
    assert {row: (len(x), x.width) for row, x in found.rows.items()} == {
        "encoder": (5, 6),
        "class_token": (5, 3),
        "z_inv": (5, 2),
        "z_equi": (5, 4),
    }
    np.testing.assert_array_equal(found.labels, found.images % 2)
    whole = encode_images(subject(), FakeImages(9), limit=None)
    torch.testing.assert_close(
        found.rows["encoder"].whole(), whole.rows["encoder"].whole()[found.images]
    )


def test_class_tokens_are_a_part_of_the_stored_features() -> None:
    found = encode_images(subject(), FakeImages(9), limit=None).rows
    both = found["encoder"].whole()
    torch.testing.assert_close(found["class_token"].whole(), both[:, : both.shape[1] // 2])
    bench = Bench(subject(), train=FakeImages(20), held_out=FakeImages(16))
    result = evaluate(plan("knn", rows=["class_token"]), bench)
    assert {m.row for m in result.measurements} == {"class_token"}


def test_several_evaluations_on_one_bench_read_every_image_once() -> None:
    train, held_out = Counted(20), Counted(16)
    bench = Bench(subject(), train=train, held_out=held_out)
    alone = {}
    for impl in PARAMS:
        found = evaluate(plan(impl), bench)
        fresh = Bench(subject(), train=FakeImages(20), held_out=FakeImages(16))
        alone[impl] = evaluate(plan(impl), fresh)
        assert found.measurements == alone[impl].measurements
        assert found.facts["evaluation"] == impl
    assert (sorted(train.read), sorted(held_out.read)) == ([*range(20)], [*range(16)])


def test_features_that_others_will_read_are_encoded_at_once() -> None:
    train, held_out = Counted(20), Counted(16)
    most = {"train": None, "held-out": None}
    bench = Bench(subject(), train=train, held_out=held_out, most=most)
    few = evaluate(plan("knn", train_images=5, heldout_images=4), bench)
    assert bench.read == {
        "train": {*chosen_images(20, limit=5).tolist()},
        "held-out": {*chosen_images(16, limit=4).tolist()},
    }
    evaluate(plan("linear_probe"), bench)
    assert (sorted(train.read), sorted(held_out.read)) == ([*range(20)], [*range(16)])
    alone = Bench(subject(), train=FakeImages(20), held_out=FakeImages(16))
    assert (
        few.measurements
        == evaluate(plan("knn", train_images=5, heldout_images=4), alone).measurements
    )


def test_every_row_that_is_asked_for_and_there_is_judged() -> None:
    bench = Bench(subject(), train=FakeImages(20), held_out=FakeImages(16))
    for impl in PARAMS:
        found = evaluate(plan(impl, rows=["encoder", "z_equi"]), bench)
        assert {m.row for m in found.measurements} - {""} == {"encoder", "z_equi"}


@pytest.mark.parametrize("impl", ["knn", "linear_probe"])
def test_labels_are_needed_where_they_are_read(impl: str) -> None:
    bench = Bench(subject(), train=Counted(20, labelled=False), held_out=Counted(16))
    with pytest.raises(SpecError, match=f"`{impl}` needs labels") as refused:
        evaluate(plan(impl), bench)
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "EQ040"
    assert "one folder per class" in (diagnostic.help or "")
    assert bench.train.read == []


def test_an_effective_rank_needs_no_labels() -> None:
    bench = Bench(subject(), train=Counted(20), held_out=Counted(16, labelled=False))
    assert evaluate(plan("effective_rank"), bench).measurements[0].value > 0


def test_both_splits_need_the_same_classes() -> None:
    @dataclass(frozen=True)
    class Other(FakeImages):
        @property
        def classes(self) -> tuple[str, ...]:
            return ("even", "uneven")

    with pytest.raises(EqspecError, match="different classes: odd, uneven"):
        check_data(plan("knn"), train=FakeImages(20), held_out=Other(16))


def test_results_on_data_that_have_changed_are_not_compared() -> None:
    a, b = (ResultSet((), {"data": data}) for data in ("aa", "bb"))
    with pytest.raises(UsageError, match="`made` has changed"):
        compare(plan("knn"), a, b)
