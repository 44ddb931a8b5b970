"""The rotation between two stored poses as a unit quaternion, and changes of other latents.

Garrido et al., Self-supervised learning of Split Invariant Equivariant representations
(arXiv:2302.10283), section 3, with the conventions of the released code.
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
    """Positions of the latents of a view.

    Attributes:
        angles: positions of the Euler angles about x, y and z in radians, extrinsic, applied in
            this order.
        differences: positions of latents whose differences are appended. Hues are not wrapped
            around, as in SIE: from .9 to .1 is −.8.
    """

    angles: tuple[_Place, _Place, _Place] = (0, 1, 2)
    differences: tuple[_Place, ...] = ()


example = MappingProxyType({"angles": [0, 1, 2], "differences": [3, 6]})


def latents(params: Params) -> int:
    """Return the number of latents that a view must have."""
    return max(*params.angles, *params.differences) + 1


def names(params: Params) -> tuple[str, ...]:
    """Return the names of the numbers of an action."""
    return ("x", "y", "z", "w", *(f"latent {place}" for place in params.differences))


def encode(
    params: Params, first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the action from latents `[n, L]` of first to second views, `[n, 4 + differences]`.

    The action is R₁⁻¹R₂ as (x, y, z, w), followed by the differences of the other latents; no
    change is (0, 0, 0, 1, 0, …). The sign of the quaternion is that of the product of the six
    elementary rotations, as in SIE, so w may be negative. A predictor without bias that is linear
    in the action, like SIE's, predicts opposite features for q and −q.
    """
    angles = list(params.angles)
    turned = after(inverse(from_euler(first[:, angles])), from_euler(second[:, angles]))
    rest = list(params.differences)
    return np.concatenate([turned, second[:, rest] - first[:, rest]], axis=1)
