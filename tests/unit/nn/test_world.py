"""Tests that gather, sum and mean over two ranks equal those of one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from eqspec.nn.world import World
from tests.reference.waves import wave

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SHAPES = (2, 6, 3)
EXACT = {"rtol": 0.0, "atol": 1e-12}


def whole() -> Tensor:
    """A global batch `[V, B, D]`."""
    return wave(12, 3, 0.2).reshape(SHAPES)


def share(x: Tensor, *, world: World) -> Tensor:
    """The samples of this rank, of `[V, B, D]`."""
    return x.chunk(world.size, dim=1)[world.rank]


def gathered(x: Tensor, *, world: World) -> Tensor:
    """A loss over the whole batch, gathered along its second axis: the same on every rank."""
    return world.gather(x, axis=1).var(dim=1).sqrt().sum()


def gathered_from_behind(x: Tensor, *, world: World) -> Tensor:
    return world.gather(x, axis=-2).var(dim=1).log().sum()


def summed(x: Tensor, *, world: World) -> Tensor:
    return world.sum(x.square().sum(dim=1)).sqrt().sum()


def averaged(x: Tensor, *, world: World) -> Tensor:
    return world.mean(x.exp().mean(dim=1)).square().sum()


def every_one(x: Tensor, *, world: World) -> Tensor:
    return gathered(x, world=world) + summed(x, world=world) * averaged(x, world=world)


LOSSES = {
    loss.__name__: loss for loss in (gathered, gathered_from_behind, summed, averaged, every_one)
}


def losses(world: World, *, name: str, compiled: bool) -> dict[str, Tensor]:
    """One loss of features made with shared weights, and what this rank back-propagates."""
    weights = wave(3, 3, 0.9).requires_grad_()
    x = share(whole(), world=world).clone().requires_grad_()
    loss_of: Callable[..., Tensor] = LOSSES[name]
    if compiled:
        loss_of = torch.compile(loss_of, fullgraph=True, backend="aot_eager")
    loss = loss_of(x @ weights, world=world)
    loss.backward()
    return {"loss": loss, "weights": weights.grad, "x": x.grad}


def collected(world: World) -> dict[str, Tensor]:
    """Every axis, and ids and masks too."""
    x = share(whole(), world=world)
    return {
        "first": world.gather(x, axis=0),
        "last": world.gather(x, axis=-1),
        "ids": world.gather(torch.arange(3) + 3 * world.rank, axis=0),
        "mask": world.gather(torch.tensor([world.rank == 1]), axis=0),
    }


@pytest.mark.parametrize(
    ("name", "compiled"), [*((name, False) for name in LOSSES), ("every_one", True)]
)
def test_two_ranks_train_as_one(two_ranks, name: str, *, compiled: bool) -> None:
    alone = losses(World(), name=name, compiled=False)
    one = {key: value.detach().numpy() for key, value in alone.items()}
    two = two_ranks.run(losses, name=name, compiled=compiled)
    for rank in two:
        np.testing.assert_allclose(rank["loss"], one["loss"], **EXACT)
    # Parameter gradients are averaged over ranks; the trained loss is the mean over ranks.
    np.testing.assert_allclose((two[0]["weights"] + two[1]["weights"]) / 2, one["weights"], **EXACT)
    x = np.concatenate([rank["x"] for rank in two], axis=1) / 2
    np.testing.assert_allclose(x, one["x"], **EXACT)


def test_gather_concatenates_in_rank_order(two_ranks) -> None:
    parts = np.split(whole().numpy(), 2, axis=1)
    for rank in two_ranks.run(collected):
        np.testing.assert_array_equal(rank["first"], np.concatenate(parts, axis=0))
        np.testing.assert_array_equal(rank["last"], np.concatenate(parts, axis=-1))
        np.testing.assert_array_equal(rank["ids"], np.arange(6))
        np.testing.assert_array_equal(rank["mask"], [False, True])


def test_one_rank_needs_no_process_group() -> None:
    x = whole()
    world = World()
    assert world.gather(x, axis=1) is x
    assert world.sum(x) is x
    assert world.mean(x) is x


@pytest.mark.parametrize(("rank", "size"), [(1, 1), (-1, 2), (0, 0)])
def test_a_rank_is_one_of_the_ranks(rank: int, size: int) -> None:
    with pytest.raises(ValueError, match="not one of"):
        World(rank=rank, size=size)
