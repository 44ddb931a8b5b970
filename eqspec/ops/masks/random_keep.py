"""Keeps a random share of the patches of each image and masks the rest.

MAE (arXiv:2111.06377), section 3: the patches with the smallest noise are kept, ordered by noise.
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
    """Number of kept patches.

    Attributes:
        share: share of the patches, rounded down.
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
    """Draw the kept ids of samples of the global batch, a pure function of (draws, step, position).

    Args:
        params: parameters of the mask.
        of: type of the tokens to mask, of V views.
        draws: random numbers of the run.
        step: step, from 0.
        positions: positions in the global batch `[n]`.
        batch: size of the global batch.

    Returns:
        ``""``: distinct ids `[V, n, M]` int64, positions in the row-major grid of patches.
    """
    assert of.grid is not None, "`shapes` refuses tokens without a grid"
    patches = of.grid[0] * of.grid[1]
    noise = np.stack(
        [
            draws.uniform("random_keep", step=step, samples=positions, view=view, count=patches)
            for view in range(of.size("V"))
        ]
    )
    kept = int(patches * params.share)
    return {"": np.argsort(noise, axis=-1, kind="stable")[..., :kept].astype(np.int64)}
