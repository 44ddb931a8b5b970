"""Tests that damaged images are replaced deterministically, counted and named."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from eqspec.ops.decode import UnreadableImage
from eqspec.ops.tolerant import Tolerant, TooManyUnreadable
from tests.fakes import FakeImages


@dataclass(frozen=True)
class Damaged(FakeImages):
    """Images some of which cannot be read; labels alternate."""

    damaged: frozenset[int] = field(default=frozenset())

    def image(self, i: int) -> np.ndarray:
        if i in self.damaged:
            raise UnreadableImage(f"{i}.jpg", "truncated")
        return super().image(i)


def tolerant(count, *damaged, limit=100):
    return Tolerant(Damaged(count, damaged=frozenset(damaged)), limit=limit)


@pytest.mark.parametrize(
    ("damaged", "asked", "shown"),
    [((3,), 3, 5), ((3, 5), 3, 7), ((9,), 9, 1), ((3,), 4, 4), ((1, 3, 5, 7), 5, 9)],
)
def test_a_damaged_image_is_replaced_by_the_next_of_its_class(damaged, asked, shown):
    dataset = tolerant(10, *damaged)
    assert np.array_equal(dataset.image(asked), FakeImages(10).image(shown))


def test_replacement_of_an_image_does_not_depend_on_earlier_reads():
    damaged = (1, 3, 4, 8)
    alone = [tolerant(10, *damaged).image(i) for i in range(10)]
    dataset = tolerant(10, *damaged)
    backwards = [dataset.image(i) for i in reversed(range(10))][::-1]
    again = [dataset.image(i) for i in range(10)]
    for one, other, third in zip(alone, backwards, again, strict=True):
        assert np.array_equal(one, other)
        assert np.array_equal(one, third)


def test_damaged_images_are_counted_once_and_named():
    dataset = tolerant(10, 3, 4)
    for _ in range(2):
        for i in range(10):
            dataset.image(i)
    assert dataset.unreadable == {
        3: "cannot read the image 3.jpg: truncated",
        4: "cannot read the image 4.jpg: truncated",
    }


def test_more_than_may_be_stop_and_are_listed():
    dataset = tolerant(20, *range(1, 15, 2), limit=6)
    with pytest.raises(
        TooManyUnreadable, match="7 images cannot be read, but at most 6 are allowed:"
    ) as caught:
        list(map(dataset.image, range(20)))
    assert "  cannot read the image 1.jpg: truncated\n" in caught.value.message
    assert caught.value.message.endswith("  and 2 more")
    assert "--set data.with.unreadable=N" in (caught.value.help or "")


def test_a_class_of_which_nothing_is_left_stops_as_well():
    with pytest.raises(TooManyUnreadable, match="3 images cannot be read"):
        tolerant(6, 0, 2, 4).image(2)


def test_it_is_the_same_dataset_otherwise():
    dataset, plain = tolerant(10, 3), Damaged(10, damaged=frozenset({3}))
    assert len(dataset) == 10
    assert dataset.fingerprint() == plain.fingerprint()
    assert np.array_equal(dataset.labels, plain.labels)
    assert dataset.classes == plain.classes
    assert np.array_equal(dataset.sources, plain.sources)
