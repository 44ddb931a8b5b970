"""Transform ops, built for one step of one view, and their draws for a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from eqspec.build.data.draw_keys import draw_keys
from eqspec.compile.views.drawn_streams import step_keys
from eqspec.ops.find import find_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from eqspec.build.data.loader import Batch
    from eqspec.compile.types.shared_draws import SharedPlan
    from eqspec.compile.types.view_plan import AugmentStep, PathPlan, SingleViewPlan, ViewPlan
    from eqspec.nn.pixels.path import At, Border
    from eqspec.nn.random.philox import Draws


@dataclass(frozen=True, slots=True)
class Transform:
    """A transform op, built for one step of one view.

    Attributes:
        key: name of its draws.
        drawn: the step of its view: ``color``, ``color.2``.
        shared: draws of its view that several samples share.
        low, span: `[P]`, the range of each parameter in the op's units.
        identity: `[P]`, the parameters that change nothing.
        at: applies the transform to pixels.
        encode: the op's action encoding, theta `[b, P]` -> `[b, A]`; of paths only.
    """

    key: str
    view: int
    low: NDArray[np.float64]
    span: NDArray[np.float64]
    identity: NDArray[np.float64]
    at: At
    encode: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    drawn: str
    shared: SharedPlan | None = None

    def uniform(
        self, draws: Draws, batch: Batch, *, count: int, of: str = ""
    ) -> NDArray[np.float64]:
        """Return numbers in [0, 1), `[b, count]`.

        Args:
            of: what they are for, besides the parameters.
        """
        keys = draw_keys(
            self.shared,
            self.drawn,
            epoch=batch.epoch,
            samples=batch.samples,
            step=batch.step,
            positions=batch.positions,
        )
        return draws.uniform(
            f"{self.key}{of}", step=keys.step, samples=keys.samples, view=self.view, count=count
        )

    def scaled(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return parameters `[b, P]` from their ranges onto [−1, 1]; 0 where a range is one value.

        Of theta as it is applied, in float32.
        """
        applied = theta.astype(np.float32).astype(np.float64)
        half = self.span / 2
        centred = applied - (self.low + half)
        return np.divide(centred, half, out=np.zeros_like(centred), where=half > 0)

    def draw(self, draws: Draws, batch: Batch) -> NDArray[np.float64]:
        """Return parameters drawn uniformly from the ranges, `[b, P]`."""
        if len(self.low) == 0:
            return np.empty((len(batch.samples), 0))
        return self.low + self.uniform(draws, batch, count=len(self.low)) * self.span


@dataclass(frozen=True, slots=True)
class Step:
    """A transform that a sample gets with probability `p`.

    Attributes:
        name: in the streams of drawn parameters: ``color``, ``color.2``.
    """

    name: str
    transform: Transform
    p: float

    def draw(self, draws: Draws, batch: Batch) -> Applied:
        """Draw the samples of a batch to which it is applied, and the parameters."""
        chosen = self.transform.uniform(draws, batch, count=1, of=".apply")
        # On the CPU, so that only these rows are computed, without waiting for the device.
        rows = np.flatnonzero(chosen[:, 0] < self.p)
        theta = self.transform.draw(draws, batch)[rows] if len(rows) else np.empty((0, 0))
        return Applied(step=self, rows=rows, theta=theta)


@dataclass(frozen=True, slots=True)
class Applied:
    """The draws of a step for a batch.

    Attributes:
        rows: samples to which it is applied, in ascending order.
        theta: their parameters, float64 `[rows, P]`, in the op's units.
    """

    step: Step
    rows: NDArray[np.int64]
    theta: NDArray[np.float64]

    def within(self, part: slice) -> Applied:
        """Return the draws of some consecutive samples, whose numbers then begin at 0."""
        first, last = np.searchsorted(self.rows, (part.start, part.stop))
        rows, theta = self.rows[first:last] - part.start, self.theta[first:last]
        return replace(self, rows=rows, theta=theta)


def build_steps(view: SingleViewPlan) -> tuple[Step, ...]:
    """Return the steps of a view, each with its probability per sample."""
    names = step_keys([step.impl for step in view.steps])
    return tuple(
        Step(name, _build_step(step, view, name=name), step.p)
        for name, step in zip(names, view.steps, strict=True)
    )


def _build_step(step: AugmentStep, view: SingleViewPlan, *, name: str) -> Transform:
    places = find_transform(step.impl).kind == "geometry"
    # Ranges are relative to the view without its margin.
    built = _build(
        step.impl,
        step.params,
        key=f"{view.group}.{name}",
        view=view.place_drawn_as if places else view.index,
        size=view.size,
        target=view.canvas,
        border="reflect",
    )
    return replace(built, drawn=name, shared=view.shared)


def build_path(path: PathPlan, plan: ViewPlan) -> Transform:
    """Return the transform between the views."""
    (view,) = (v for v in plan.views if (v.group, v.index) == (path.group, path.view))
    return _build(
        path.impl,
        path.params,
        key="path",
        view=path.view,
        size=view.size,
        target=view.size,
        border=path.border,
    )


def _build(  # noqa: PLR0913 - one place for what steps and paths have in common
    impl: str,
    params: Mapping[str, Any],
    *,
    key: str,
    view: int,
    size: int,
    target: int,
    border: Border,
) -> Transform:
    op = find_transform(impl)
    checked = op.Params.model_validate(params)
    ranges = np.array(op.ranges(checked, size=size), dtype=np.float64).reshape(-1, 2)
    return Transform(
        key=key,
        view=view,
        low=ranges[:, 0],
        span=ranges[:, 1] - ranges[:, 0],
        identity=np.array(op.identity, dtype=np.float64),
        at=op.build(checked, size=target, border=border),
        encode=lambda theta: op.encode(checked, theta, size=size),
        drawn=key,
    )
