"""Features of images that an evaluation derives from crops: rotated, transformed or cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from pydantic import JsonValue
from torch import Tensor

from eqspec.build.data.loader import Dataset
from eqspec.evals.feature_files import FeatureFiles, Name
from eqspec.evals.features import Subject, encode

AT_ONCE = 64
"""Number of images passed to a function at a time."""


class ImageFunction(Protocol):
    """Function that derives the encoder's input images from crops."""

    def __call__(self, crops: Tensor, at: slice) -> Iterator[tuple[Name, Tensor]]:
        """Yield the derived images, one name after the other.

        Args:
            crops: crops of consecutive images, `[b, 3, h, w]` in [0, 1], on the encoder's device.
            at: their positions among the chosen images.

        Yields:
            A name, and images `[b, 3, s, s]` or `[b, k, 3, s, s]` in [0, 1].
        """
        ...


def encode_function(  # noqa: PLR0913 - images, function, features and storage
    subject: Subject,
    dataset: Dataset,
    images: np.ndarray,
    *,
    function: ImageFunction,
    crop: Callable[[np.ndarray], Tensor],
    content: Mapping[str, JsonValue],
    rows: Sequence[str],
    files: FeatureFiles,
) -> dict[Name, Tensor]:
    """Return pooled features by (row, *name), `[n, D]` or `[n, k, D]`; each image is read once.

    Args:
        subject: the frozen model.
        dataset: source of the images.
        images: positions in the dataset, `[n]`.
        function: derives the images to encode.
        crop: turns an image `[H, W, 3]` into the function's input, `[3, h, w]`.
        content: everything that determines the images derived by the function.
        rows: names of the features.
        files: storage of the features.

    Raises:
        EqspecError: a feature is not finite, or the features cannot be written.
    """

    def batches() -> Iterator[Mapping[Name, Tensor]]:
        for start in range(0, len(images), AT_ONCE):
            at = slice(start, start + AT_ONCE)
            crops = torch.stack([crop(dataset.image(int(i))) for i in images[at]])
            features: dict[Name, Tensor] = {}
            for name, derived in function(crops.to(subject.device), at):
                flat = derived.flatten(0, -4)
                for row, values in encode(subject, flat, rows=rows).items():
                    features[row, *name] = values.unflatten(0, derived.shape[:-3])
            yield features

    full = {**content, "size": subject.size}
    return files.features(full, dataset=dataset, samples=images, batches=batches)
