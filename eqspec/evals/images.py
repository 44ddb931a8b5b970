"""Centre crops of a dataset's images, encoded: what evaluations of single images read.

The box is the centre square of 7/8 of the short side, as 224 of 256 pixels are for ImageNet; but
never smaller than the encoder's image where the original has that many pixels, and all of the short
side where it has not (CIFAR at 224 px). One bicubic, antialiased resize; no augmentation.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from eqspec.build.data.crop import Box, resize
from eqspec.build.data.loader import Dataset
from eqspec.evals.features import Subject, encode
from eqspec.nn.random.philox import Draws
from eqspec.nn.readouts.image_features import ImageFeatures

AT_ONCE = 256
"""Images that are held at a time."""

KEPT = 0.875
"""Share of the short side that a centre crop keeps."""


def centre_box(*, width: int, height: int, size: int) -> Box:
    """The square of an image that becomes a crop of `size` pixels."""
    short = min(width, height)
    side = min(short, max(KEPT * short, size))
    left, top = (width - side) / 2, (height - side) / 2
    return Box(left, top, left + side, top + side)


def centre_crop(image: np.ndarray, *, size: int) -> Tensor:
    """The centre crop of an image `[H, W, 3]` uint8: pixels in [0, 1], `[3, size, size]`."""
    height, width = image.shape[:2]
    box = centre_box(width=width, height=height, size=size)
    made = resize(image, box, canvas=size, interpolation="bicubic")
    return torch.from_numpy(made.copy()).permute(2, 0, 1).to(torch.float32) / 255


def chosen_images(count: int, *, limit: int | None) -> np.ndarray:
    """Positions of at most `limit` of `count` images, ascending; of a larger limit, some more."""
    order = Draws(0).order(epoch=0, count=count)
    return np.sort(order if limit is None else order[:limit])


def encode_images(subject: Subject, dataset: Dataset, *, limit: int | None) -> ImageFeatures:
    """Features of at most `limit` images of a split, in all rows of the model."""
    images = chosen_images(len(dataset), limit=limit)
    batches = [
        encode(subject, crops.to(subject.device), rows=subject.rows)
        for crops in _crops(dataset, images, size=subject.size)
    ]
    return ImageFeatures(
        rows={row: torch.cat([batch[row] for batch in batches]) for row in subject.rows},
        labels=None if dataset.labels is None else dataset.labels[images],
        classes=dataset.classes,
        images=images,
        sources=dataset.sources[images],
    )


def _crops(dataset: Dataset, images: np.ndarray, *, size: int) -> Iterator[Tensor]:
    for start in range(0, len(images), AT_ONCE):
        part = images[start : start + AT_ONCE]
        yield torch.stack([centre_crop(dataset.image(int(i)), size=size) for i in part])
