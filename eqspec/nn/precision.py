"""How many bits a number needs: losses, statistics and grids are computed in at least float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def at_least_fp32(x: Tensor) -> Tensor:
    """`x` itself if it is float32 or float64, else `x` as float32 (bfloat16, float16, integers).

    Never narrows: the exactness tests run in float64.
    """
    return x.to(torch.promote_types(x.dtype, torch.float32))
