"""Tests of every term on two processes: value, gradients and state of the whole batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from eqspec.build.parallel.gradients import average_gradients
from eqspec.nn.layers.batch_norm import GatheredBatchNorm
from eqspec.nn.terms.cross_correlation import cross_correlation
from eqspec.nn.world import World
from tests.reference.waves import wave
from tests.term_examples import EXAMPLES, build, call, tensors

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 16
EXACT = {"rtol": 0.0, "atol": 1e-9}
Key = tuple[str, str]


def share(x: Tensor, *, axis: int, world: World) -> Tensor:
    """This rank's samples."""
    return x.chunk(world.size, dim=axis)[world.rank]


def trained(world: World) -> dict[str, Tensor]:
    """Of every term: its value, gradients of the weights that make its streams, and its state."""
    found: dict[str, Tensor] = {}
    for key in EXAMPLES:
        found |= {f"{' '.join(key)}: {name}": x for name, x in _one(key, world=world).items()}
    return found


def _one(key: Key, *, world: World) -> dict[str, Tensor]:
    """A step of a term whose streams are made with weights that both ranks share."""
    kinds = EXAMPLES[key].streams
    drawn = tensors(key, batch=BATCH, dtype=torch.float64, seed=2)
    weights = {
        port: (torch.eye(x.shape[-1]) + 0.1 * wave(x.shape[-1], x.shape[-1], 0.9)).requires_grad_()
        for port, x in drawn.items()
        if x.is_floating_point()
    }
    mine = {
        port: share(x, axis=kinds[port].axes.index("B"), world=world) for port, x in drawn.items()
    }
    streams = {port: x @ weights[port] if port in weights else x for port, x in mine.items()}
    term = build(key, world=world).double()
    value = call(key, term, streams, schedules=torch.float64)
    value.backward()
    learned = {port: w for port, w in weights.items() if w.grad is not None}
    average_gradients(learned.values(), world=world)
    slopes = {f"slope of {port}": w.grad for port, w in learned.items() if w.grad is not None}
    state = {f"state {n}": x for n, x in term.named_buffers()}
    return {"value": world.mean(value.detach()), **slopes, **state}


def test_two_ranks_train_every_term_as_one(two_ranks) -> None:
    alone = {name: x.detach().numpy() for name, x in trained(World()).items()}
    moved = {name.split(":")[0] for name, x in alone.items() if "slope" in name and x.any()}
    assert moved == {" ".join(key) for key in EXAMPLES}
    for rank in two_ranks.run(trained):
        assert rank.keys() == alone.keys()
        for name, value in alone.items():
            np.testing.assert_allclose(rank[name], value, err_msg=name, **EXACT)


def released_and_ours(world: World) -> dict[str, Tensor]:
    """Barlow Twins' gradient as released, where the sum over ranks has none, and as it is here."""
    found: dict[str, Tensor] = {}
    for who in ("released", "ours"):
        weights = torch.nn.Parameter(wave(6, 6, 0.9))
        views = torch.stack([wave(BATCH, 6, 0.0), wave(BATCH, 6, 0.3)])
        x = share(views, axis=1, world=world) @ weights
        if who == "ours":
            loss = cross_correlation(world.gather(x, axis=1), off_diagonal=0.0051)
        else:
            loss = _released(x, world=world)
        loss.backward()
        average_gradients([weights], world=world)
        assert weights.grad is not None
        found[who] = weights.grad
        found[f"{who} value"] = world.mean(loss.detach())
    return found


def _released(x: Tensor, *, world: World) -> Tensor:
    norm = GatheredBatchNorm(6, world=world, scale=False, offset=False).double()
    first, second = norm(x.flatten(0, 1), views=2).unflatten(0, (2, -1))
    mine = first.mT @ second / BATCH
    correlation = mine + (world.sum(mine.detach()) - mine.detach())
    on = (correlation.diagonal() - 1).square().sum()
    off = correlation.square().sum() - correlation.diagonal().square().sum()
    return on + 0.0051 * off


def test_the_gradient_of_barlow_twins_is_the_true_one(two_ranks) -> None:
    """As released it would be half of it on two ranks, which neither LARS nor Adam shows."""
    alone = {name: x.detach().numpy() for name, x in released_and_ours(World()).items()}
    np.testing.assert_allclose(alone["released"], alone["ours"], **EXACT)
    assert np.abs(alone["ours"]).max() > 1e-3
    for rank in two_ranks.run(released_and_ours):
        np.testing.assert_allclose(rank["ours"], alone["ours"], **EXACT)
        np.testing.assert_allclose(2 * rank["released"], alone["ours"], **EXACT)
        for who in ("released", "ours"):
            assert rank[f"{who} value"] == pytest.approx(alone["ours value"], abs=1e-12)
