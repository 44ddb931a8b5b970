"""Pairs (I, g(I)) of a dataset's images, encoded: what regressions of g's parameters read.

An image's centre square is resized (antialiased) to a canvas of 1.5 times the encoder's image size;
I is the canvas's centre. The margin holds what a rotation by up to 45° brings into view; corners of
SE(2)'s most extreme draws look 4 pixels (at 224) beyond it and see it mirrored. Each image is read
once and I encoded once, whatever the number of families, borders and draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eqspec.build.data.crop import Box, resize
from eqspec.build.data.loader import Dataset
from eqspec.evals.features import Subject, encode
from eqspec.nn.pixels.path import Border
from eqspec.nn.random.philox import Draws
from eqspec.nn.readouts.regression import PairFeatures
from eqspec.ops.find import find_transform
from eqspec.ops.op import OpCall

AT_ONCE = 64
"""Images whose canvases are held at a time."""

PROTOCOL_SEED = 0
"""Parameters are drawn from it whatever the run's seed, so that all runs are measured alike."""


@dataclass(frozen=True, slots=True)
class Family:
    """A transformation with its ranges, ready to be applied at one image size.

    Attributes:
        names: its parameters.
        ranges: lowest and highest value of each, `[P, 2]`.
        at: by border, (canvas, theta `[B, P]`) to images `[B, 3, s, s]`.
    """

    names: tuple[str, ...]
    ranges: np.ndarray
    at: Mapping[str, Callable[..., Tensor]]


def prepared(call: OpCall, *, size: int, borders: Sequence[Border]) -> Family:
    """The transformation op with its parameters; photometric ones have the one border `any`."""
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
    """Side of the canvas around images of a size: at least 1.5 times it, with an even margin."""
    side = -(-3 * size // 2)
    return side + (side - size) % 2


def canvas(image: np.ndarray, *, side: int) -> Tensor:
    """The centre square of an image `[H, W, 3]`, resized: pixels in [0, 1], `[3, side, side]`."""
    height, width = image.shape[:2]
    short = min(height, width)
    left, top = (width - short) / 2, (height - short) / 2
    square = Box(left, top, left + short, top + short)
    made = resize(image, square, canvas=side, interpolation="bilinear")
    return torch.from_numpy(made.copy()).permute(2, 0, 1).to(torch.float32) / 255


def centre(images: Tensor, *, size: int) -> Tensor:
    """The centre square `[..., size, size]`."""
    top, left = ((n - size) // 2 for n in images.shape[-2:])
    return images[..., top : top + size, left : left + size]


def drawn(
    family: str, ranges: np.ndarray, *, images: np.ndarray, view: int, draws: int
) -> np.ndarray:
    """Parameters of every image and draw, uniform in their ranges, `[n, draws, P]`.

    A pure function of the family's name, the image's position in the dataset, the view (0 training,
    1 held-out) and the draw. Rounded to fp32, which is what the transformation applies.
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


def collect(  # noqa: PLR0913 - one request, every part of it named
    subject: Subject,
    dataset: Dataset,
    *,
    view: int,
    families: Mapping[str, OpCall],
    borders: Sequence[Border],
    rows: Sequence[str],
    draws: int,
    limit: int,
) -> PairFeatures:
    """Encodes at most `limit` pairs, `draws` per image; which images depends on nothing else.

    Args:
        subject: the frozen model.
        dataset: where the images come from.
        view: 0 for training images, 1 for held-out ones.
        families: transformations by name.
        borders: of geometric families.
        rows: which features.
        draws: of each transformation per image.
        limit: pairs per family and border.
    """
    made = {n: prepared(c, size=subject.size, borders=borders) for n, c in families.items()}
    order = Draws(PROTOCOL_SEED).order(epoch=0, count=len(dataset))
    images = np.sort(order[: max(1, limit // draws)])
    theta = {
        name: drawn(name, family.ranges, images=images, view=view, draws=draws)
        for name, family in made.items()
    }
    side = canvas_side(subject.size)
    batches: list[dict[tuple[str, ...], Tensor]] = []
    for start in range(0, len(images), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        canvases = torch.stack([canvas(dataset.image(int(i)), side=side) for i in images[part]])
        now = {name: torch.from_numpy(t[part]).to(torch.float32) for name, t in theta.items()}
        batches.append(_encode(subject, canvases, families=made, theta=now, rows=rows))
    features = {key: torch.cat([b.pop(key) for b in batches]) for key in tuple(batches[0])}
    return PairFeatures(
        still={key[0]: f for key, f in features.items() if len(key) == 1},
        moved={(key[0], key[1], key[2]): f for key, f in features.items() if len(key) == 3},
        theta=theta,
        ranges={name: family.ranges for name, family in made.items()},
        names={name: family.names for name, family in made.items()},
        images=images,
        sources=dataset.sources[images],
    )


def _encode(
    subject: Subject,
    canvases: Tensor,
    *,
    families: Mapping[str, Family],
    theta: Mapping[str, Tensor],
    rows: Sequence[str],
) -> dict[tuple[str, ...], Tensor]:
    """Features of one batch: under (row,) of I, under (row, family, border) of g(I)."""
    canvases = canvases.to(subject.device)
    inner = centre(canvases, size=subject.size)
    still = encode(subject, inner, rows=rows)
    found: dict[tuple[str, ...], Tensor] = {(row,): still[row] for row in rows}
    for name, family in families.items():
        theta_BKP = theta[name].to(subject.device)
        for border, at in family.at.items():
            # Only `canvas` may look outside I.
            seen = canvases if border == "canvas" else inner
            moved = [at(seen, t, fractions=(1.0,))[0] for t in theta_BKP.unbind(dim=1)]
            flat = torch.stack(moved, dim=1).flatten(0, 1)
            for row, features in encode(subject, flat, rows=rows).items():
                found[row, name, border] = features.unflatten(0, (len(canvases), len(moved)))
    return found
