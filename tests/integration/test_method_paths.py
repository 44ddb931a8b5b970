"""Laws of the path, through the views that each method would be trained on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from eqspec.build.data.loader import batches
from eqspec.build.views.on_device import DeviceViews, ViewBatch
from eqspec.spec.load import parse_spec
from tests.fakes import FakeImages
from tests.toy_specs import CUTTABLE, plan_of, toy_text

if TYPE_CHECKING:
    from torch import Tensor

    from eqspec.compile.types.plan import Plan

EACH = pytest.mark.parametrize("method", CUTTABLE)


@dataclass(frozen=True)
class Seen:
    """A method's plan, and the first batch as its graph reads it."""

    plan: Plan
    views: ViewBatch

    @property
    def between(self) -> Tensor:
        """The path's images, normalised as the views are."""
        assert self.views.between is not None
        mean, std = (
            torch.tensor(x)[:, None, None] for x in (self.plan.views.mean, self.plan.views.std)
        )
        return (self.views.between - mean) / std

    @property
    def theta(self) -> Tensor:
        assert self.views.theta is not None
        return self.views.theta


@cache
def seen(method: str, *, degrees: float | None = None, images: int = 2) -> Seen:
    """With a path of rotations up to so many degrees, or without one."""
    rewrite = "none"
    if degrees is not None:
        transform = (
            "{card: transform, rev: 1, about: Rotations of a test., impl: rot, "
            f"params: {{degrees: [-{degrees}, {degrees}]}}}}"
        )
        rewrite = f"{{use: intermediate-reconstruction, transform: {transform}, images: {images}}}"
    plan = plan_of(parse_spec(toy_text(method, equivariance=rewrite), path=Path("toy.yaml")))
    dataset = FakeImages(count=plan.data.count)
    (batch,) = batches(plan, dataset, seed=plan.seed, start_step=0, steps=1)
    return Seen(plan, DeviceViews(plan.views, seed=plan.seed, device="cpu")(batch))


@EACH
def test_without_parameters_every_image_is_the_base_methods_second_view(method: str) -> None:
    """θ = 0: u_1 = u_2 = v_2 = u, and the other views are the base's too, bit for bit."""
    ours, base = seen(method, degrees=0.0), seen(method)
    assert ours.views.images.keys() == base.views.images.keys()
    for group, images in base.views.images.items():
        assert torch.equal(ours.views.images[group], images), group
    for image in ours.between:
        assert torch.equal(image, ours.views.images["global"][1])


@EACH
def test_twice_the_transform_in_twice_the_steps_is_the_same_image(method: str) -> None:
    """Doubling θ and K + 1 leaves u_1 and makes of u_2 what the second view was."""
    once, twice = (seen(method, degrees=20.0 * n, images=2 * n - 1) for n in (1, 2))
    assert torch.equal(twice.theta, 2 * once.theta)
    assert once.theta.abs().min() > 0
    assert torch.equal(twice.between[0], once.between[0])
    assert torch.equal(twice.between[1], once.views.images["global"][1])
    moved = [one.views.images["global"][1] for one in (once, twice)]
    assert not torch.allclose(*moved, atol=1e-2)


@EACH
def test_only_the_second_large_view_is_moved(method: str) -> None:
    """Local crops are neither transformed nor decoded."""
    still, moved = (seen(method, degrees=degrees).views for degrees in (0.0, 45.0))
    for group, images in moved.images.items():
        for view, image in enumerate(images):
            same = torch.equal(image, still.images[group][view])
            assert same == ((group, view) != ("global", 1)), (group, view)
