"""Keeps a random share of each image's patches and hides the rest.

MAE (arXiv:2111.06377), section 3: the patches of smallest noise are kept, in the order of it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from eqspec.ops.op import OpParams, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eqspec.nn.random.philox import Draws

rev = 1


class Params(OpParams):
    """How much is kept.

    Attributes:
        share: of the patches, rounded down.
    """

    share: float = Field(gt=0, lt=1)


example = MappingProxyType({"share": 0.25})


def shapes(params: Params, streams: Streams) -> dict[str, StreamType]:
    """Ids of the kept patches `[V, B, M]`."""
    of = need_axes(streams, "of", "V", "B", "N")
    if of.grid is None:
        raise PortError("of", f"needs patches on a grid, but reads {of}")
    kept = int(of.grid[0] * of.grid[1] * params.share)
    if kept == 0:
        raise PortError("of", f"keeps no patch: {params.share:g} of {of} is less than one")
    sizes = (of.size("V"), of.size("B"), kept)
    return {"": StreamType(axes=("V", "B", "M"), sizes=sizes, grid=of.grid, dtype="int")}


def draw(
    params: Params,
    of: StreamType,
    *,
    draws: Draws,
    step: int,
    positions: NDArray[np.int64],
    batch: int,  # noqa: ARG001 - the contract of masks
) -> dict[str, NDArray[np.generic]]:
    """The kept ids of some samples, a pure function of (draws, step, position).

    Args:
        params: of this mask.
        of: the tokens that are masked, of V views.
        draws: the run's randomness.
        step: from 0.
        positions: places in the global batch `[n]`.
        batch: size of the global batch.

    Returns:
        ``""``: distinct ids `[V, n, M]` int64, a patch's place in its row-major grid.
    """
    assert of.grid is not None, "`shapes` has refused tokens without a grid"
    patches = of.grid[0] * of.grid[1]
    noise = np.stack(
        [
            draws.uniform("random_keep", step=step, samples=positions, view=view, count=patches)
            for view in range(of.size("V"))
        ]
    )
    kept = int(patches * params.share)
    return {"": np.argsort(noise, axis=-1, kind="stable")[..., :kept].astype(np.int64)}
