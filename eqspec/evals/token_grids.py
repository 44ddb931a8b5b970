"""Patch tokens of chosen layers as grids, for evaluations of local features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eqspec.build.data.loader import Dataset
from eqspec.errors import EqspecError
from eqspec.evals.feature_files import FeatureFiles, Name
from eqspec.evals.features import Subject, normalised
from eqspec.evals.images import chosen_images, crops

CHUNK = 64
"""Number of images encoded at a time."""


@dataclass(frozen=True, slots=True)
class TokenGrids:
    """Patch tokens of n images.

    Attributes:
        layers: number of a block, from 0 → its tokens after the final norm, `[n, h, w, D]`.
        images: positions in the dataset, `[n]`.
        sources: source photograph of each image, `[n]`.
    """

    layers: Mapping[int, Tensor]
    images: np.ndarray
    sources: np.ndarray


def encode_grids(
    subject: Subject,
    dataset: Dataset,
    *,
    layers: Sequence[int],
    size: int,
    limit: int | None,
    files: FeatureFiles | None = None,
) -> TokenGrids:
    """Return patch tokens of centre crops of at most `limit` images.

    Args:
        layers: numbers of blocks, counted from 0; negative ones from the end.
        size: side of the crops in pixels, a multiple of the encoder's patch.

    Raises:
        EqspecError: the encoder has no such layers, or a token is not finite.
    """
    count, of = subject.depth, subject.layers
    chosen = tuple(sorted({n + count if n < 0 else n for n in layers}))
    if of is None or not chosen or chosen[0] < 0 or chosen[-1] >= count:
        asked = ", ".join(map(str, layers))
        raise EqspecError(
            f"this encoder has no layers {asked}: there are {count} to choose from",
            help="token grids of layers need a vision transformer",
        )
    images = chosen_images(len(dataset), limit=limit)

    def batches() -> Iterator[Mapping[Name, Tensor]]:
        for batch in crops(dataset, images, size=size):
            parts = [_grids(subject, c.to(subject.device), chosen) for c in batch.split(CHUNK)]
            yield {(str(n),): torch.cat([part[n] for part in parts]) for n in chosen}

    found = (files or FeatureFiles()).features(
        {"features": "token-grids", "crop": "centre", "size": size, "layers": list(chosen)},
        dataset=dataset,
        samples=images,
        batches=batches,
    )
    layered = {int(name[0]): values for name, values in found.items()}
    return TokenGrids(layered, images, dataset.sources[images])


def _grids(subject: Subject, images: Tensor, layers: tuple[int, ...]) -> dict[int, Tensor]:
    assert subject.layers is not None, "checked by the caller"
    with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
        tokens = subject.layers(normalised(subject, images), layers)
    found: dict[int, Tensor] = {}
    for layer, x_BND in zip(layers, tokens, strict=True):
        patches = x_BND[:, subject.prefix :].to(torch.float32)
        side = round(patches.shape[1] ** 0.5)
        found[layer] = patches.unflatten(1, (side, side))
        if not bool(found[layer].isfinite().all()):
            raise EqspecError(
                f"tokens of layer {layer} are not finite", help="evaluate an earlier checkpoint"
            )
    return found
