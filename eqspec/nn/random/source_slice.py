"""A slice of a dataset: whole files, so that no file is on both sides. numpy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eqspec.nn.random.philox import Draws

if TYPE_CHECKING:
    from numpy.typing import NDArray


def in_slice(sources: NDArray[np.int64], *, share: float) -> NDArray[np.bool_]:
    """Return which images are in the slice, `[n]`: all of a share of the sources.

    At least one source is in the slice, and at least one is not.
    """
    known = np.unique(sources)
    assert len(known) > 1, "one source cannot be cut in two"
    count = min(max(1, round(share * len(known))), len(known) - 1)
    return np.isin(sources, known[Draws(0).order(epoch=0, count=len(known))[:count]])
