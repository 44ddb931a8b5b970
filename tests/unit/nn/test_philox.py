"""Tests of Philox against numpy, and of the addresses of draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eqspec.nn.random.philox import Draws, philox

WORD = st.integers(0, 2**64 - 1)
TOP = 2**64 - 1


def numpy_words(counter: tuple[int, ...], key: tuple[int, int], blocks: int) -> np.ndarray:
    """What numpy draws from a counter on; it steps once before its first block."""
    pair = (np.array(words, dtype=np.uint64) for words in (counter, key))
    counter_words, key_words = pair
    return np.random.Philox(counter=counter_words, key=key_words).random_raw(4 * blocks)


def stepped(counter: tuple[int, ...], by: int) -> list[int]:
    """The counter as one 256-bit number, plus `by`."""
    number = sum(word << (64 * i) for i, word in enumerate(counter)) + by
    return [number >> (64 * i) & TOP for i in range(4)]


@given(st.tuples(WORD, WORD, WORD, WORD), st.tuples(WORD, WORD))
def test_words_are_numpys(counter, key):
    counters = np.array([stepped(counter, by) for by in (1, 2, 3)], dtype=np.uint64)
    ours = philox(*counters.T, key=key)
    assert ours.dtype == np.uint64
    np.testing.assert_array_equal(ours.reshape(-1), numpy_words(counter, key, 3))


def test_counter_carries_like_numpys():
    for counter in ((TOP, 0, 0, 0), (TOP, TOP, 0, 0), (TOP, TOP, TOP, 7), (TOP, TOP, TOP, TOP)):
        ours = philox(*stepped(counter, 1), key=(3, 5))
        np.testing.assert_array_equal(ours, numpy_words(counter, (3, 5), 1))


def test_published_known_answer():
    """Random123's `kat_vectors`: philox4x64 10, all zeros."""
    words = philox(0, 0, 0, 0, key=(0, 0))
    expected = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert words.tolist() == expected


def test_uniform_is_the_top_53_bits_of_the_addressed_words():
    drawn = Draws(seed=11).uniform("op", step=4, samples=np.array([9]), view=2, count=6)
    key = Draws(seed=11)._key("op")
    words = np.concatenate([numpy_words((8, 4, 2, block), key, 1) for block in (0, 1)])
    np.testing.assert_array_equal(drawn[0], (words[:6] >> np.uint64(11)) / 2**53)


def test_any_part_can_be_drawn_alone():
    draws, samples = Draws(seed=5), np.arange(100, 164)
    whole = draws.uniform("op", step=3, samples=samples, view=1, count=7)
    part = draws.uniform("op", step=3, samples=samples[20:33][::-1], view=1, count=5)
    np.testing.assert_array_equal(part, whole[20:33, :5][::-1])


@pytest.mark.parametrize(
    "other",
    [
        {"op": "other"},
        {"step": 4},
        {"samples": np.arange(64) + 64},
        {"view": 0},
        {"seed": 6},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_the_address_matters(other):
    address = {"seed": 5, "op": "op", "step": 3, "samples": np.arange(64), "view": 1}

    def draw(seed: int, op: str, **rest: object) -> np.ndarray:
        return Draws(seed=seed).uniform(op, **rest, count=4)

    assert not np.isin(draw(**{**address, **other}), draw(**address)).any()


def test_uniform_is_uniform_and_uncorrelated():
    x = Draws(seed=0).uniform("op", step=0, samples=np.arange(20_000), view=0, count=5)
    assert x.min() >= 0
    assert x.max() < 1
    counts = np.stack([np.histogram(column, bins=50, range=(0, 1))[0] for column in x.T])
    chi2 = ((counts - 400) ** 2 / 400).sum(axis=1)
    assert chi2.max() < 90, "49 degrees of freedom: 90 is beyond one in 3000"
    assert chi2.min() > 20
    off_diagonal = np.corrcoef(x.T) - np.eye(5)
    assert np.abs(off_diagonal).max() < 0.03
    assert abs(np.corrcoef(x[:-1, 0], x[1:, 0])[0, 1]) < 0.03, "neighbouring samples"


def test_nothing_drawn_has_a_row_for_every_sample():
    assert Draws(seed=0).uniform("op", step=0, samples=np.arange(3), view=0, count=0).shape == (
        3,
        0,
    )


@pytest.mark.parametrize("count", [0, 1, 2, 7, 1000])
def test_order_is_a_permutation(count):
    order = Draws(seed=0).order(epoch=0, count=count)
    assert order.dtype == np.int64
    assert sorted(order) == list(range(count))


def test_order_belongs_to_seed_and_epoch():
    first = Draws(seed=0).order(epoch=0, count=1000)
    np.testing.assert_array_equal(first, Draws(seed=0).order(epoch=0, count=1000))
    for other in (
        Draws(seed=0).order(epoch=1, count=1000),
        Draws(seed=1).order(epoch=0, count=1000),
        np.arange(1000),
    ):
        assert (first == other).mean() < 0.01
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.13, "four standard errors"


def test_a_seed_has_64_bits():
    for seed in (-1, 2**64):
        with pytest.raises(AssertionError, match="64 bits"):
            Draws(seed=seed)
