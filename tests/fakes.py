"""Small fakes that satisfy a contract, without files or downloads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from eqspec.nn.readouts.image_features import ImageFeatures, Predicted


@dataclass(frozen=True)
class FakeImages:
    """A dataset in memory: smooth coloured waves, another phase and direction for every image.

    `unreadable` names an image whose reading fails with `error`, as a damaged file's does.
    """

    count: int
    height: int = 40
    width: int = 48
    unreadable: int | None = None
    error: Exception | None = None

    @property
    def labels(self) -> np.ndarray:
        return np.arange(self.count, dtype=np.int64) % 2

    @property
    def classes(self) -> tuple[str, ...]:
        return ("even", "odd")

    @property
    def sources(self) -> np.ndarray:
        return np.arange(self.count, dtype=np.int64)

    def __len__(self) -> int:
        return self.count

    def image(self, i: int) -> np.ndarray:
        if i == self.unreadable and self.error is not None:
            raise self.error
        rows, columns = np.mgrid[: self.height, : self.width]
        channels = [
            np.sin(0.11 * (c + 1) * rows + 0.07 * (i % 5 + 1) * columns + 0.9 * i + 2.1 * c)
            for c in range(3)
        ]
        return (127.5 * (1 + np.stack(channels, axis=-1))).astype(np.uint8)

    def fingerprint(self) -> str:
        return hashlib.sha256(repr(self).encode()).hexdigest()


@dataclass(frozen=True)
class FakeFineTuned:
    """Predictions of fine-tuned classifiers: wrong for every image whose number `every` divides."""

    train: FakeImages
    held_out: FakeImages
    every: int = 3
    read: dict = field(default_factory=dict)

    def predicted(self, split: str, *, stream: str) -> Predicted:
        assert stream
        images = _described(self.held_out if split == "held-out" else self.train)
        right = images.images % self.every != 0
        return Predicted(images, np.where(right, images.targets, 1 - images.targets)[:, None])

    def learned_from(self) -> ImageFeatures:
        return _described(self.train)


def _described(images: FakeImages) -> ImageFeatures:
    at = np.arange(len(images))
    return ImageFeatures({}, images.labels, images.classes, at, images.sources)
