"""Streams of drawn parameters: the augmentations of a group's views, as numbers for a loss.

They come from the draws that the pixels come from (`eqspec.build.views.steps`), so they agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eqspec.compile.views.drawn_streams import CROP, drawn_widths

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from eqspec.build.views.steps import Applied, Step


def drawn_streams(
    wanted: Iterable[str],
    *,
    whole: str,
    applied: Sequence[Sequence[Applied]],
    steps: Sequence[Sequence[Step]],
    boxes: Sequence[NDArray[np.float64]],
) -> dict[str, NDArray[np.float32]]:
    """Return the parameters of a batch `[V, b, P]` by stream.

    A parameter is its distance from the identity, over the width of its range (the widest one if
    the group's views differ): 0 if a step was not applied. A step without parameters has one
    number, 1 if it was applied. The box is (left, top, width, height) in shares of the image.

    Args:
        wanted: names of streams: ``draws.color``, or ``draws`` for all of them concatenated.
        whole: name of the stream of all of them.
        applied: the steps that were applied to each view of the batch.
        steps: of each view.
        boxes: the part of the image that each view shows, `[b, 4]`.
    """
    units = _units(steps)
    samples = len(boxes[0])
    found = {CROP: np.stack(boxes)}
    for name, width in drawn_widths([[s.name for s in one] for one in steps]).items():
        if name != CROP:
            found[name] = _of_step(name, applied, units=units, shape=(len(steps), samples, width))
    by_stream = {f"{whole}.{name}": values for name, values in found.items()}
    by_stream[whole] = np.concatenate(list(found.values()), axis=-1)
    return {name: by_stream[name].astype(np.float32) for name in wanted}


def _of_step(
    name: str,
    applied: Sequence[Sequence[Applied]],
    *,
    units: Mapping[str, NDArray[np.float64]],
    shape: tuple[int, int, int],
) -> NDArray[np.float64]:
    values = np.zeros(shape)
    for view, done in enumerate(applied):
        for one in done:
            if one.step.name == name and len(one.rows):
                transform = one.step.transform
                apart = (one.theta - transform.identity) / units[name]
                values[view, one.rows] = apart if len(transform.low) else 1.0
    return values


def _units(steps: Sequence[Sequence[Step]]) -> dict[str, NDArray[np.float64]]:
    """Return step → the widest range of each of its parameters among the views; 1 for no range."""
    widest: dict[str, NDArray[np.float64]] = {}
    for step in (step for one in steps for step in one):
        span = step.transform.span
        widest[step.name] = np.maximum(span, widest.get(step.name, span))
    return {name: np.where(span > 0, span, 1.0) for name, span in widest.items()}
