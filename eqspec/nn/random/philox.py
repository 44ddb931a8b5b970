"""Random numbers as a pure function: Philox4x64-10, vectorised over counters. Free of torch.

Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011), section 3.3. Word for word
equal to ``numpy.random.Philox``, which can only advance its counter one block at a time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORDS = 4
_MASK = 2**64 - 1
_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_TILE = 1 << 14
"""Counters computed at a time, 128 kB each of a word: intermediate results stay in the cache."""

_LOW, _HALF = np.uint64(2**32 - 1), np.uint64(32)


def philox(
    *counter: NDArray[np.integer] | int, key: tuple[int, int], rounds: int = 10
) -> NDArray[np.uint64]:
    """Return four random words for every counter.

    Args:
        counter: the four words of the counter, lowest first; arrays broadcast against each other.
        key: two 64-bit words.
        rounds: number of rounds; 10 passes every known test of randomness.

    Returns:
        uint64 `[..., 4]`, where `...` is the broadcast shape of the counters.
    """
    assert len(counter) == _WORDS, "a Philox4x64 counter has four words"
    a, b, c, d = np.broadcast_arrays(*(np.asarray(w).astype(np.uint64) for w in counter))
    with np.errstate(over="ignore"):  # arithmetic is modulo 2^64; numpy warns about scalars
        for turn in range(rounds):
            k0, k1 = ((k + turn * w) & _MASK for k, w in zip(key, _WEYL, strict=True))
            high0, low0 = _multiply(_MULTIPLIERS[0], a)
            high1, low1 = _multiply(_MULTIPLIERS[1], c)
            a, b, c, d = high1 ^ b ^ np.uint64(k0), low1, high0 ^ d ^ np.uint64(k1), low0
    return np.stack((a, b, c, d), axis=-1)


def _multiply(factor: int, x: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the high and low word of the 128-bit product, computed from 32-bit halves."""
    f_high, f_low = np.uint64(factor >> 32), np.uint64(factor & 0xFFFFFFFF)
    x_high, x_low = x >> _HALF, x & _LOW
    middle = x_high * f_low + (x_low * f_low >> _HALF)
    cross = x_low * f_high + (middle & _LOW)
    high = x_high * f_high + (middle >> _HALF) + (cross >> _HALF)
    return high, x * np.uint64(factor)


@dataclass(frozen=True, slots=True)
class Draws:
    """All random numbers of a run, addressed by op, step, sample, view and index.

    Stateless, so any part can be drawn alone, in any order and in any process.

    Attributes:
        seed: seed of the run, 0 … 2^64 − 1.
    """

    seed: int

    def __post_init__(self) -> None:
        assert 0 <= self.seed <= _MASK, "a seed has 64 bits"

    def uniform(
        self, op: str, *, step: int, samples: NDArray[np.int64], view: int, count: int
    ) -> NDArray[np.float64]:
        """Return uniform numbers in [0, 1) with 53 random bits.

        Args:
            op: name of the consumer, hashed to 64 bits of the key.
            step: step or epoch, from 0.
            samples: int64 `[n]`, sample ids or positions in the global batch.
            view: index of the view, from 0.
            count: numbers per sample; a larger count only appends.

        Returns:
            float64 `[n, count]`.
        """
        blocks = np.arange(-(-count // _WORDS))
        drawn = np.empty((len(samples), count))
        rows = max(1, _TILE // max(1, len(blocks)))
        for first in range(0, len(samples), rows):
            some = samples[first : first + rows]
            words = philox(some[:, None], step, view, blocks, key=self._key(op))
            flat = words.reshape(len(some), len(blocks) * _WORDS)[:, :count]
            np.multiply(flat >> np.uint64(11), 2.0**-53, out=drawn[first : first + rows])
        return drawn

    def order(self, *, epoch: int, count: int) -> NDArray[np.int64]:
        """Return the permutation of `count` samples for an epoch, int64 `[count]`."""
        blocks = np.arange(-(-count // _WORDS))
        words = philox(blocks, epoch, 0, 0, key=self._key("order"))
        return np.argsort(words.reshape(-1)[:count], kind="stable").astype(np.int64)

    def _key(self, op: str) -> tuple[int, int]:
        digest = hashlib.blake2b(op.encode(), digest_size=8).digest()
        return self.seed, int.from_bytes(digest, "little")
