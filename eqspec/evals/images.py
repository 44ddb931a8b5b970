"""Centre crops of a dataset's images, and their features.

The crop is the centre square of 7/8 of the short side, like 224 of 256 pixels for ImageNet, but not
smaller than the encoder's image if the original is large enough, and the whole short side if it is
not (CIFAR at 224 px). One bicubic, antialiased resize; no augmentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from eqspec.build.data.crop import Box, resize
from eqspec.build.data.loader import Dataset
from eqspec.evals.feature_files import FeatureFiles, Name
from eqspec.evals.features import Subject, encode
from eqspec.nn.random.philox import Draws
from eqspec.nn.readouts.feature_matrix import Columns, FeatureMatrix
from eqspec.nn.readouts.image_features import ImageFeatures
from eqspec.ops.feature_rows import CLASS_ALONE, ENCODER
from eqspec.ops.targets.collate import collate
from eqspec.ops.targets.geometry import Geometry
from eqspec.ops.targets.kinds import TargetType
from eqspec.ops.targets.union import Target, Targets

AT_ONCE = 256
"""Number of images in memory at a time."""

KEPT = 0.875
"""Side of a centre crop relative to the short side of the image."""


def centre_box(*, width: int, height: int, size: int) -> Box:
    """Return the region of an image that becomes a crop of `size` pixels."""
    short = min(width, height)
    side = min(short, max(KEPT * short, size))
    left, top = (width - side) / 2, (height - side) / 2
    return Box(left, top, left + side, top + side)


def centre_crop(image: np.ndarray, *, size: int) -> Tensor:
    """Return the centre crop of an image `[H, W, 3]` uint8, in [0, 1], `[3, size, size]`."""
    height, width = image.shape[:2]
    box = centre_box(width=width, height=height, size=size)
    crop = resize(image, box, canvas=size, interpolation="bicubic")
    return torch.from_numpy(crop.copy()).permute(2, 0, 1).to(torch.float32) / 255


def chosen_images(count: int, *, limit: int | None) -> np.ndarray:
    """Return ascending positions of at most `limit` of `count` images.

    The selection of a larger limit contains that of a smaller one.
    """
    order = Draws(0).order(epoch=0, count=count)
    return np.sort(order if limit is None else order[:limit])


def crops(dataset: Dataset, images: np.ndarray, *, size: int) -> Iterator[Tensor]:
    """Yield centre crops of images in order, `[b, 3, size, size]` in [0, 1], batch by batch."""
    for start in range(0, len(images), AT_ONCE):
        part = images[start : start + AT_ONCE]
        yield torch.stack([centre_crop(dataset.image(int(i)), size=size) for i in part])


def crops_with_targets(
    dataset: Dataset, images: np.ndarray, *, size: int, of: TargetType
) -> Iterator[tuple[Tensor, Mapping[str, np.ndarray]]]:
    """Yield the same crops with the targets of their images, moved by the same geometry."""
    assert isinstance(dataset, Targets), "the op declares targets"
    for start in range(0, len(images), AT_ONCE):
        crops: list[Tensor] = []
        targets: list[Target] = []
        for i in images[start : start + AT_ONCE].tolist():
            image = dataset.image(i)
            height, width = image.shape[:2]
            box = centre_box(width=width, height=height, size=size)
            edges = (box.left, box.top, box.right, box.bottom)
            geometry = Geometry.crop((height, width), box=edges, size=(size, size))
            crops.append(centre_crop(image, size=size))
            targets.append(dataset.target(i, of.declared).moved(geometry))
        yield torch.stack(crops), collate(targets, of=of)


def encode_images(
    subject: Subject, dataset: Dataset, *, limit: int | None, files: FeatureFiles | None = None
) -> ImageFeatures:
    """Return features of at most `limit` images of a split, for all rows of the model.

    Args:
        files: storage of the features; temporary files by default.

    Raises:
        EqspecError: a feature is not finite, or the features cannot be written.
    """
    images = chosen_images(len(dataset), limit=limit)
    stored = tuple(row for row in subject.pooled_rows if row != CLASS_ALONE)

    def batches() -> Iterator[Mapping[Name, Tensor]]:
        for batch in crops(dataset, images, size=subject.size):
            found = encode(subject, batch.to(subject.device), rows=stored)
            yield {(row,): values for row, values in found.items()}

    features = (files or FeatureFiles()).features(
        {"features": "pooled", "crop": "centre", "size": subject.size},
        dataset=dataset,
        samples=images,
        batches=batches,
    )
    values = {name[0]: found for name, found in features.items()}
    if CLASS_ALONE in subject.pooled_rows:  # the first half of `encoder`, so no file of its own
        values[CLASS_ALONE] = values[ENCODER][:, : values[ENCODER].shape[1] // 2]
    return ImageFeatures(
        rows={
            row: FeatureMatrix((Columns(found),), device=subject.device)
            for row, found in values.items()
        },
        labels=None if dataset.labels is None else dataset.labels[images],
        classes=dataset.classes,
        images=images,
        sources=dataset.sources[images],
    )
