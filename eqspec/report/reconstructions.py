"""A figure of held-out images: the images on the path, each next to its reconstruction."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import torch

from eqspec.build.frozen_model import reconstructions
from eqspec.build.views.on_device import DeviceViews
from eqspec.evals.one_batch import one_batch
from eqspec.report.strip import Column, strip_png

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from eqspec.build.data.loader import Dataset
    from eqspec.build.program import Program
    from eqspec.compile.types.plan import Plan
    from eqspec.compile.types.view_plan import PathPlan

ROWS = 6
"""Number of images shown."""


def reconstruction_strip(program: Program, held_out: Dataset) -> bytes | None:
    """Return a PNG with the crop u, both views, and the images between them with reconstructions.

    Args:
        program: a trained program; its graph is put into eval mode.
        held_out: images that it was not trained on.

    Returns:
        The bytes of the PNG; None if the program has no decoder.
    """
    plan = program.plan
    path = plan.views.path
    if path is None:
        return None
    batch = one_batch(plan, held_out, rows=chosen_rows(held_out.sources))
    reconstructed = reconstructions(program.graph, program.streams(batch))
    if reconstructed is None:
        return None
    first = program.views(batch).images[path.group][0]
    whole = path.model_copy(update={"fractions": (0.0, *path.fractions, 1.0)})
    shown = plan.views.model_copy(update={"path": whole})
    along = DeviceViews(shown, seed=plan.seed, device=program.device)(batch)
    assert along.between is not None, "the plan has a path"
    assert along.theta is not None, "as above"
    order = np.argsort(batch.samples)
    columns = [
        Column("source u", "crop 2", _pixels(along.between[0])[order]),
        Column("view 1", "crop 1", _pixels(_denormalised(first, plan))[order], apart=True),
        Column("view 2", "u, transformed", _pixels(along.between[-1])[order]),
    ]
    for k, fraction in enumerate(path.fractions, start=1):
        target, drawn = _pixels(along.between[k])[order], _pixels(reconstructed[k - 1])[order]
        columns.append(Column(f"u{k}", _share_of_path(fraction), target, apart=True))
        columns.append(Column(f"u{k}", "reconstructed", drawn))
    return strip_png(columns, rows=_labels(path, along.theta.cpu().numpy()[order]))


def chosen_rows(sources: NDArray[np.int64], *, rows: int = ROWS) -> NDArray[np.int64]:
    """Return ascending positions of at most `rows` images, spread evenly over all photographs."""
    photos = np.unique(sources)
    photos = photos[_spread(len(photos), min(rows, len(photos)))]
    shares = [len(part) for part in np.array_split(np.arange(rows), len(photos))]
    picked = [
        of[_spread(len(of), min(share, len(of)))]
        for photo, share in zip(photos, shares, strict=True)
        for of in (np.flatnonzero(sources == photo),)
    ]
    return np.sort(np.concatenate(picked))


def _spread(count: int, wanted: int) -> NDArray[np.int64]:
    """Return the middles of `wanted` equal parts of `range(count)`."""
    return ((2 * np.arange(wanted) + 1) * count // (2 * wanted)).astype(np.int64)


def _denormalised(images: Tensor, plan: Plan) -> Tensor:
    """Undo the normalisation of images, back to [0, 1]."""
    mean, std = (images.new_tensor(v)[:, None, None] for v in (plan.views.mean, plan.views.std))
    return images * std + mean


def _pixels(images: Tensor) -> NDArray[np.uint8]:
    scaled = (images.clamp(0, 1) * 255).round().to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).cpu().numpy()


def _share_of_path(fraction: float) -> str:
    exact = Fraction(fraction).limit_denominator(12)
    return "whole path" if exact == 1 else f"{exact} of the path"


def _labels(path: PathPlan, theta: NDArray[np.float32]) -> list[tuple[str, ...]]:
    """Format the parameters of each image, one line per parameter."""
    return [
        tuple(f"{name} {value:+.3g}" for name, value in zip(path.names, row, strict=True))
        for row in theta
    ]
