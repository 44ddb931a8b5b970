"""Features of images that an evaluation makes of crops: rotated, transformed, in pieces."""

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
"""Images that a function is given at a time."""


class ImageFunction(Protocol):
    """Makes images for the encoder."""

    def __call__(self, crops: Tensor, at: slice) -> Iterator[tuple[Name, Tensor]]:
        """Images by name, one name after the other.

        Args:
            crops: of consecutive images, `[b, 3, h, w]` in [0, 1], on the encoder's device.
            at: which of the chosen images they are.

        Yields:
            A name, and images `[b, 3, s, s]` or `[b, k, 3, s, s]` in [0, 1].
        """
        ...


def encode_function(  # noqa: PLR0913 - which images, what is made of them, which features, where
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
    """Pooled features under (row, *name), `[n, D]` or `[n, k, D]`; each image is read once.

    Args:
        subject: the frozen model.
        dataset: where the images come from.
        images: positions in the dataset, `[n]`.
        function: makes the images that are encoded.
        crop: image `[H, W, 3]` to what the function is given, `[3, h, w]`.
        content: what decides the images that the function makes.
        rows: which features.
        files: where features are kept.

    Raises:
        EqspecError: a feature is not finite, or the features cannot be written.
    """

    def batches() -> Iterator[Mapping[Name, Tensor]]:
        for start in range(0, len(images), AT_ONCE):
            at = slice(start, start + AT_ONCE)
            crops = torch.stack([crop(dataset.image(int(i))) for i in images[at]])
            features: dict[Name, Tensor] = {}
            for name, made in function(crops.to(subject.device), at):
                flat = made.flatten(0, -4)
                for row, values in encode(subject, flat, rows=rows).items():
                    features[row, *name] = values.unflatten(0, made.shape[:-3])
            yield features

    full = {**content, "size": subject.size}
    return files.features(full, dataset=dataset, samples=images, batches=batches)
