"""Select tokens by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def take_tokens(x: Tensor, *, ids: Tensor) -> Tensor:
    """Return the tokens of `x` `[B, N, D]` at `ids` `[B, ...]` as `[B, ..., D]`."""
    flat = ids.flatten(1)
    taken = x.gather(1, flat[:, :, None].expand(-1, -1, x.shape[2]))
    return taken.unflatten(1, ids.shape[1:])
