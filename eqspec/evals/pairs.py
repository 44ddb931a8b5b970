"""Features of image pairs (I, g(I)) for regressions of g's parameters.

An image's centre square is resized (antialiased) to a canvas of 1.5 times the encoder's image size;
I is the canvas's centre. The margin covers rotations by up to 45°; corners of SE(2)'s most extreme
draws reach 4 pixels (at 224) beyond it, where the canvas is mirrored. Each image is read once and I
is encoded once for all families, borders and draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from pydantic import JsonValue
from torch import Tensor

from eqspec.build.data.crop import Box, resize
from eqspec.build.data.loader import Dataset
from eqspec.evals.feature_files import FeatureFiles, Name
from eqspec.evals.features import Subject
from eqspec.evals.image_functions import encode_function
from eqspec.nn.pixels.path import Border
from eqspec.nn.random.philox import Draws
from eqspec.nn.readouts.pair_features import PairFeatures
from eqspec.ops.find import find_transform
from eqspec.ops.op import OpCall

PROTOCOL_SEED = 0
"""Seed of the parameters of g, independent of the run's seed, so that all runs are comparable."""


@dataclass(frozen=True, slots=True)
class Family:
    """A transformation with its ranges, ready to be applied at one image size.

    Attributes:
        names: names of its parameters.
        ranges: lowest and highest value of each parameter, `[P, 2]`.
        at: border → function of (canvas, theta `[B, P]`) that returns images `[B, 3, s, s]`.
    """

    names: tuple[str, ...]
    ranges: np.ndarray
    at: Mapping[str, Callable[..., Tensor]]


def prepared(call: OpCall, *, size: int, borders: Sequence[Border]) -> Family:
    """Return a transformation with its parameters; photometric ones have only the border `any`."""
    op = find_transform(call.impl)
    params = op.Params.model_validate(call.params)
    drawn: dict[str, Border] = {border: border for border in borders}
    photometric: dict[str, Border] = {"any": "reflect"}
    fills = drawn if op.kind == "geometry" else photometric
    return Family(
        names=op.names,
        ranges=np.array(op.ranges(params, size=size), np.float64),
        at={name: op.build(params, size=size, border=fill) for name, fill in fills.items()},
    )


def canvas_side(size: int) -> int:
    """Return the side of the canvas: at least 1.5 times the image size, with an even margin."""
    side = -(-3 * size // 2)
    return side + (side - size) % 2


def canvas(image: np.ndarray, *, side: int) -> Tensor:
    """Return the resized centre square of an image `[H, W, 3]`, in [0, 1], `[3, side, side]`."""
    height, width = image.shape[:2]
    short = min(height, width)
    left, top = (width - short) / 2, (height - short) / 2
    square = Box(left, top, left + short, top + short)
    resized = resize(image, square, canvas=side, interpolation="bilinear")
    return torch.from_numpy(resized.copy()).permute(2, 0, 1).to(torch.float32) / 255


def centre(images: Tensor, *, size: int) -> Tensor:
    """Return the centre square, `[..., size, size]`."""
    top, left = ((n - size) // 2 for n in images.shape[-2:])
    return images[..., top : top + size, left : left + size]


def drawn(
    family: str, ranges: np.ndarray, *, images: np.ndarray, view: int, draws: int
) -> np.ndarray:
    """Return uniform parameters for every image and draw, `[n, draws, P]`.

    A pure function of the family's name, the image's position in the dataset, the view (0 training,
    1 held-out) and the draw. Rounded to fp32, the precision in which they are applied.
    """
    low, high = ranges.T
    op = f"r2.{family}"
    u = np.stack(
        [
            Draws(PROTOCOL_SEED).uniform(op, step=k, samples=images, view=view, count=len(ranges))
            for k in range(draws)
        ],
        axis=1,
    )
    return (low + u * (high - low)).astype(np.float32).astype(np.float64)


@dataclass(frozen=True, slots=True)
class PairRequest:
    """Selection of the pairs to encode.

    Attributes:
        families: transformations by name.
        borders: borders of the geometric families.
        rows: names of the features.
        draws: number of draws of each transformation per image.
        limit: largest number of pairs per family and border.
    """

    families: Mapping[str, OpCall]
    borders: tuple[Border, ...]
    rows: tuple[str, ...]
    draws: int
    limit: int

    def content(self) -> dict[str, JsonValue]:
        """Return everything that determines the transformed images, except the images."""
        return {
            "features": "pairs",
            "families": {n: call.model_dump(mode="json") for n, call in self.families.items()},
            "borders": list(self.borders),
            "rows": list(self.rows),
            "draws": self.draws,
        }


def collect(
    subject: Subject,
    dataset: Dataset,
    request: PairRequest,
    *,
    view: int,
    files: FeatureFiles | None = None,
) -> PairFeatures:
    """Encode at most `limit` pairs, `draws` per image, of a fixed selection of images.

    Args:
        subject: the frozen model.
        dataset: source of the images.
        request: selection of the pairs.
        view: 0 for training images, 1 for held-out ones.
        files: storage of the features; temporary files by default.
    """
    families = {
        name: prepared(call, size=subject.size, borders=request.borders)
        for name, call in request.families.items()
    }
    order = Draws(PROTOCOL_SEED).order(epoch=0, count=len(dataset))
    images = np.sort(order[: max(1, request.limit // request.draws)])
    theta = {
        name: drawn(name, family.ranges, images=images, view=view, draws=request.draws)
        for name, family in families.items()
    }
    function = _Pairs(size=subject.size, families=families, theta=theta)
    features = encode_function(
        subject,
        dataset,
        images,
        function=function,
        crop=partial(canvas, side=canvas_side(subject.size)),
        content={**request.content(), "view": view},
        rows=request.rows,
        files=files or FeatureFiles(),
    )
    return PairFeatures(
        still={key[0]: f for key, f in features.items() if len(key) == 1},
        moved={(key[0], key[1], key[2]): f for key, f in features.items() if len(key) == 3},
        theta=theta,
        ranges={name: family.ranges for name, family in families.items()},
        names={name: family.names for name, family in families.items()},
        images=images,
        sources=dataset.sources[images],
        device=subject.device,
    )


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Image function that turns canvases into I, named (), and g(I), named (family, border)."""

    size: int
    families: Mapping[str, Family]
    theta: Mapping[str, np.ndarray]

    def __call__(self, crops: Tensor, at: slice) -> Iterator[tuple[Name, Tensor]]:
        inner = centre(crops, size=self.size)
        yield (), inner
        for name, family in self.families.items():
            theta_BKP = torch.from_numpy(self.theta[name][at]).to(torch.float32)
            theta_BKP = theta_BKP.to(crops.device)
            for border, transformed in family.at.items():
                # Only with `canvas` may g(I) contain pixels from outside I.
                seen = crops if border == "canvas" else inner
                moved = [
                    transformed(seen, theta, fractions=(1.0,))[0]
                    for theta in theta_BKP.unbind(dim=1)
                ]
                yield (name, border), torch.stack(moved, dim=1)
