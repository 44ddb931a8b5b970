"""The floors of a path, measured on training images: blind to the transform, copying, knowing it.

A reconstruction asks for the transform only where it costs less than the best prediction that does
not know it: view 2, averaged over all transforms of the family that could have made it. Above that
floor, the features need no trace of the transform (arXiv:2503.18753 does not say where its runs
are). With shared crops view 1 shows the same content before the transform, so that of each image of
the path the better prediction counts: from view 2, or from view 1. K path points, B images, M
transforms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from eqspec.build.views.on_device import DeviceViews
from eqspec.build.views.steps import build_path
from eqspec.evals.one_batch import one_batch
from eqspec.nn.random.philox import Draws
from eqspec.nn.readouts.floors import Floor, PathFloors
from eqspec.nn.readouts.path_floors import coarse, squared_errors
from eqspec.ops.find import find_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from eqspec.build.data.loader import Dataset
    from eqspec.build.views.steps import Transform
    from eqspec.compile.types.plan import Plan
    from eqspec.compile.types.view_plan import PathPlan

    _By = Callable[[Tensor, NDArray[np.float64]], Tensor]

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
    whole = path.model_copy(update={"fractions": (0.0, *path.fractions, 1.0)})
    views = DeviceViews(
        plan.views.model_copy(update={"path": whole}), seed=plan.seed, device=device
    )(batch)
    assert views.between is not None, "the plan has a path"
    assert views.theta is not None, "the plan has a path"
    first, targets, second = views.between[0], views.between[1:-1], views.between[-1]
    frame = path.model_copy(update={"border": "reflect"})
    moves = _Moves(path, build_path(frame, plan.views), seed=plan.seed)
    of_first = [(first, moves.onward)] if view.place_of is not None and moves.possible else []
    measured = _Measured(
        targets=targets,
        shown=[(second, moves.back), *of_first],
        drawn=views.theta.cpu().numpy().astype(np.float64),
        others=moves.drawn(batch.samples) if moves.possible else None,
        variance=plan.data.variance or float(targets.var(dim=(0, 1, 3, 4)).mean()),
    )
    side = min(view.size, 2 * _grid(plan))
    return PathFloors(
        images=len(batch.samples),
        variance=measured.variance,
        size=view.size,
        full=measured.floor(view.size),
        coarse=measured.floor(side),
        side=side,
        both=len(measured.shown) > 1,
    )


@dataclass(frozen=True)
class _Measured:
    """The images of a path, and what they may be predicted from.

    Attributes:
        targets: `[K, B, C, H, W]`.
        shown: views `[B, C, H, W]`, each with the function that moves it to the path by parameters.
        drawn: the parameters of the path, `[B, P]`.
        others: parameters that have nothing to do with it, `[M, B, P]`; None where it cannot be
            undone.
        variance: of the pixels.
    """

    targets: Tensor
    shown: Sequence[tuple[Tensor, _By]]
    drawn: NDArray[np.float64]
    others: NDArray[np.float64] | None
    variance: float

    def floor(self, side: int) -> Floor:
        """Return the errors of predictions at a resolution."""
        targets, others = self.targets, self.others

        def errors(predicted: Tensor) -> Tensor:
            return squared_errors(coarse(predicted, side=side), targets)

        copied = self._best([errors(view.expand_as(targets)) for view, _ in self.shown])
        if others is None:
            return Floor(copied=copied, blind=None, known=None)
        blind = [_blind(by, view, targets, theta_MBP=others, at=side) for view, by in self.shown]
        known = [errors(by(view, self.drawn)) for view, by in self.shown]
        return Floor(copied=copied, blind=self._best(blind), known=self._best(known))

    def _best(self, errors_K: Sequence[Tensor]) -> float:
        """Return the mean over points of the best prediction's error, over the variance."""
        return float(torch.stack(list(errors_K)).amin(dim=0).mean()) / self.variance


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


def _blind(
    by: _By, view_BCHW: Tensor, targets_KBCHW: Tensor, *, theta_MBP: NDArray[np.float64], at: int
) -> Tensor:
    """Return the error of the mean over transforms, `[K]`, at a resolution."""
    total = squares = view_BCHW.new_zeros(())
    for theta in theta_MBP:
        one = coarse(by(view_BCHW, theta), side=at)
        total = total + one
        squares = squares + one.square()
    many = len(theta_MBP)
    mean = total / many
    spread_K = (squares / many - mean.square()).mean(dim=(1, 2, 3, 4)) / (many - 1)
    # The mean of a sample of transforms is further away than that of all of them.
    return squared_errors(mean, targets_KBCHW) - spread_K


class _Moves:
    """Moves a view to the points of the path, by parameters."""

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

    def back(self, view_BCHW: Tensor, theta_BP: NDArray[np.float64]) -> Tensor:
        """Return view 2 taken back by these parameters, `[K, B, C, H, W]`."""
        found: list[Tensor] = []
        for fraction in self._fractions:
            theta = self._op.back(theta_BP, fraction=fraction)
            assert theta is not None, "asked before"
            shipped = _like(view_BCHW, theta)
            found.append(self._transform.at(view_BCHW, shipped, fractions=(1.0,))[0])
        return torch.stack(found)

    def onward(self, view_BCHW: Tensor, theta_BP: NDArray[np.float64]) -> Tensor:
        """Return the image before the transform, moved by these parameters, `[K, B, C, H, W]`."""
        shipped = _like(view_BCHW, theta_BP)
        return self._transform.at(view_BCHW, shipped, fractions=self._fractions)

    def drawn(self, samples: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return parameters that have nothing to do with the images, `[M, B, P]`."""
        width = len(self._transform.low)
        uniform = self._draws.uniform(
            "floors", step=0, samples=samples, view=1, count=TRANSFORMS * width
        ).reshape(len(samples), TRANSFORMS, width)
        return (self._transform.low + self._transform.span * uniform).swapaxes(0, 1)


def _like(images: Tensor, theta: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(theta.astype(np.float32)).to(images.device)
