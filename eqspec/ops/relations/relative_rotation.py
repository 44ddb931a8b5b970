"""The rotation from one stored pose to another as a unit quaternion, and changes of other latents.

Garrido et al., Self-supervised learning of Split Invariant Equivariant representations
(arXiv:2302.10283), section 3; conventions are those of the code that was released with it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from eqspec.nn.quaternion import after, from_euler, inverse
from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    from numpy.typing import NDArray

rev = 1

_Place = Annotated[int, Field(ge=0)]


class Params(OpParams):
    """Where the latents of a view say what.

    Attributes:
        angles: places of the Euler angles about x, y and z: radians, extrinsic, applied in this
            order.
        differences: places of latents whose plain difference is told, too. A hue is no exception:
            from .9 to .1 it changes by −.8, as in SIE.
    """

    angles: tuple[_Place, _Place, _Place] = (0, 1, 2)
    differences: tuple[_Place, ...] = ()


example = MappingProxyType({"angles": [0, 1, 2], "differences": [3, 6]})


def latents(params: Params) -> int:
    """Numbers that a view must have for all places to exist."""
    return max(*params.angles, *params.differences) + 1


def names(params: Params) -> tuple[str, ...]:
    """What each number of an action is."""
    return ("x", "y", "z", "w", *(f"latent {place}" for place in params.differences))


def encode(
    params: Params, first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The action from the first views' latents `[n, L]` to the second's, `[n, 4 + differences]`.

    R₁⁻¹R₂ as (x, y, z, w), and what the other latents grow by; no change is (0, 0, 0, 1, 0, …). Of
    the two quaternions of a rotation it is the product of those of the six turns, as SIE leaves it:
    w may be negative. A predictor without bias that is linear in the action, like SIE's, gives
    opposite features for q and −q.
    """
    angles = list(params.angles)
    turned = after(inverse(from_euler(first[:, angles])), from_euler(second[:, angles]))
    rest = list(params.differences)
    return np.concatenate([turned, second[:, rest] - first[:, rest]], axis=1)
