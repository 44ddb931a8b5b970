"""Keys of a view's draws: which samples of a batch draw together, and when they draw anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eqspec.compile.types.shared_draws import SharedPlan


@dataclass(frozen=True, slots=True)
class DrawKeys:
    """What `eqspec.nn.random.philox.Draws.uniform` is asked for.

    Attributes:
        step: epoch, or training step where samples share their draws.
        samples: int64 `[b]`, their ids, or the numbers of the groups that share.
    """

    step: int
    samples: NDArray[np.int64]


def draw_keys(
    shared: SharedPlan | None,
    drawn: str,
    *,
    epoch: int,
    samples: NDArray[np.int64],
    step: int,
    positions: NDArray[np.int64],
) -> DrawKeys:
    """Return the keys of one step of a view, or of its crop.

    A sample's own draws follow its id through the epoch, wherever it is in a batch. Shared ones
    follow the training step and the position in the global batch, so they do not depend on the
    rank either, and a resumed run draws the same.

    Args:
        shared: of the view.
        drawn: key of the step: ``color``, ``color.2``; ``crop`` for the crop.
        epoch: pass over the data.
        samples: their ids `[b]`.
        step: training step.
        positions: of the samples in the global batch `[b]`.
    """
    if shared is None or drawn.split(".", maxsplit=1)[0] in shared.own:
        return DrawKeys(epoch, samples)
    return DrawKeys(step, positions // shared.samples)
