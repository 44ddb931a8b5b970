"""The floors of a path, measured on training images: blind to the transform, copying, knowing it.

A reconstruction asks for the transform only where it costs less than the best prediction that does
not know it: view 2, averaged over all transforms of the family that could have made it. Above that
floor, the features need no trace of the transform (arXiv:2503.18753 does not say where its runs
are). K path points, B images, M transforms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from eqspec.build.views.on_device import DeviceViews
from eqspec.build.views.steps import build_path
from eqspec.evals.one_batch import one_batch
from eqspec.nn.random.philox import Draws
from eqspec.nn.readouts.floors import Floor, PathFloors
from eqspec.nn.readouts.path_floors import coarse, squared_error
from eqspec.ops.find import find_transform

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from eqspec.build.data.loader import Dataset
    from eqspec.build.views.steps import Transform
    from eqspec.compile.types.plan import PathPlan, Plan

TRANSFORMS = 16
"""Transforms M over which a blind prediction is averaged."""

MOST_IMAGES = 256
LEAST_IMAGES = 8

MOST_PIXELS = 1.5e8
"""Pixels of all predictions together, from which the number of images follows."""


@torch.no_grad()
def path_floors(
    plan: Plan, images: Dataset, *, device: torch.device | str = "cpu"
) -> PathFloors | None:
    """Return the floors of a plan's path; None where no images of a path are reconstructed.

    Args:
        images: the training images.
    """
    path = plan.views.path
    if path is None or not path.fractions:
        return None
    (view,) = (v for v in plan.views.views if (v.group, v.index) == (path.group, path.view))
    batch = one_batch(plan, images, rows=_rows(len(images), size=view.size, path=path))
    whole = path.model_copy(update={"fractions": (*path.fractions, 1.0)})
    views = DeviceViews(
        plan.views.model_copy(update={"path": whole}), seed=plan.seed, device=device
    )(batch)
    assert views.between is not None, "the plan has a path"
    assert views.theta is not None, "the plan has a path"
    targets, second = views.between[:-1], views.between[-1]
    drawn = views.theta.cpu().numpy().astype(np.float64)
    variance = plan.data.variance or float(targets.var(dim=(0, 1, 3, 4)).mean())
    frame = path.model_copy(update={"border": "reflect"})
    back = _Back(path, build_path(frame, plan.views), seed=plan.seed)
    side = min(view.size, 2 * _grid(plan))

    def floor(at: int) -> Floor:
        def error(predicted: Tensor) -> float:
            return squared_error(coarse(predicted, side=at), targets) / variance

        copied = error(second.expand_as(targets))
        if not back.possible:
            return Floor(copied=copied, blind=None, known=None)
        mean, spread = back.blind(second, samples=batch.samples, side=at)
        # The mean of a sample of transforms is further away than that of all of them.
        blind = squared_error(mean, targets) / variance - float(spread.mean()) / variance
        return Floor(copied=copied, blind=blind, known=error(back.by(second, drawn)))

    return PathFloors(
        images=len(batch.samples),
        variance=variance,
        size=view.size,
        full=floor(view.size),
        coarse=floor(side),
        side=side,
    )


def _rows(count: int, *, size: int, path: PathPlan) -> NDArray[np.int64]:
    """Return evenly spaced positions of as many images as the predictions leave time for."""
    each = 3 * size**2 * TRANSFORMS * len(path.fractions)
    wanted = min(count, MOST_IMAGES, max(LEAST_IMAGES, int(MOST_PIXELS // each)))
    return np.linspace(0, count - 1, wanted).astype(np.int64)


def _grid(plan: Plan) -> int:
    """Return the rows of the grid of patch tokens that the encoder makes of a view."""
    encoder = next(m for m in plan.graph.modules if m.family == "backbones")
    tokens = next(
        plan.graph.streams[n.out]
        for n in plan.graph.encode
        if getattr(n, "module", None) == encoder.name and plan.graph.streams[n.out].grid
    )
    assert tokens.grid is not None, "chosen so"
    return tokens.grid[0]


class _Back:
    """Takes transformed images back along their path, by given or by drawn parameters."""

    def __init__(self, path: PathPlan, transform: Transform, *, seed: int) -> None:
        self._op = find_transform(path.impl)
        self._fractions = path.fractions
        self._transform = transform
        self._draws = Draws(seed)

    @property
    def possible(self) -> bool:
        """Whether the transform can be undone."""
        none = np.zeros((1, len(self._transform.low)))
        return self._op.back(none, fraction=0.5) is not None

    def by(self, second_BCHW: Tensor, theta_BP: NDArray[np.float64]) -> Tensor:
        """Return view 2 taken back by these parameters, `[K, B, C, H, W]`."""
        found: list[Tensor] = []
        for fraction in self._fractions:
            theta = self._op.back(theta_BP, fraction=fraction)
            assert theta is not None, "asked before"
            shipped = torch.from_numpy(theta.astype(np.float32)).to(second_BCHW.device)
            found.append(self._transform.at(second_BCHW, shipped, fractions=(1.0,))[0])
        return torch.stack(found)

    def blind(
        self, second_BCHW: Tensor, *, samples: NDArray[np.int64], side: int
    ) -> tuple[Tensor, Tensor]:
        """Return the mean over drawn transforms at a resolution, and the variance of that mean."""
        width = len(self._transform.low)
        uniform = self._draws.uniform(
            "floors", step=0, samples=samples, view=1, count=TRANSFORMS * width
        ).reshape(len(samples), TRANSFORMS, width)
        theta = self._transform.low + self._transform.span * uniform
        total = squares = second_BCHW.new_zeros(())
        for m in range(TRANSFORMS):
            one = coarse(self.by(second_BCHW, theta[:, m]), side=side)
            total = total + one
            squares = squares + one.square()
        mean = total / TRANSFORMS
        return mean, (squares / TRANSFORMS - mean.square()) / (TRANSFORMS - 1)
