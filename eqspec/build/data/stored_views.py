"""Stored views: the choice of two views per sample and epoch, and the action between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eqspec.ops.find import find_relation

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from eqspec.compile.types.pairs import RelationPlan
    from eqspec.nn.random.philox import Draws


def drawn_views(
    draws: Draws, *, epoch: int, samples: NDArray[np.int64], views: int
) -> NDArray[np.int64]:
    """Draw two different views of each sample, in the order of showing, `[b, 2]`.

    Every ordered pair is equally likely; a pure function of seed, epoch and sample.

    Args:
        samples: int64 `[b]`, indices in the dataset.
        views: stored views of each sample, at least two.
    """
    uniforms = draws.uniform("stored.views", step=epoch, samples=samples, view=0, count=2)
    first = np.floor(uniforms[:, 0] * views).astype(np.int64)
    second = np.floor(uniforms[:, 1] * (views - 1)).astype(np.int64)
    return np.stack([first, second + (second >= first)], axis=1)


def action_of(
    relation: RelationPlan,
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return the function from latents of pairs `[b, 2, L]` to actions `[b, A]`.

    Raises:
        UnknownOp: the relation does not exist.
    """
    op = find_relation(relation.impl)
    params = op.Params.model_validate(relation.params)

    def actions(latents: NDArray[np.float64]) -> NDArray[np.float64]:
        return op.encode(params, latents[:, 0], latents[:, 1])

    return actions
