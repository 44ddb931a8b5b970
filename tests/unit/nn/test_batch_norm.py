"""Tests of batch norm over ranks against torch's batch norm on the whole batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from eqspec.nn.layers.batch_norm import GatheredBatchNorm, paused_statistics
from eqspec.nn.world import World
from tests.reference.waves import wave

if TYPE_CHECKING:
    from torch import Tensor

VIEWS, BATCH, CHANNELS = 2, 6, 4
LAYOUTS = {"features": (-1, ()), "tokens": (-1, (5,)), "images": (1, (3, 2))}
"""Channel axis, and the axes beside V, B and C."""
EXACT = {"rtol": 0.0, "atol": 1e-12}


def shape(layout: str, *, batch: int) -> tuple[int, ...]:
    channel_axis, beside = LAYOUTS[layout]
    rest = (CHANNELS, *beside) if channel_axis == 1 else (*beside, CHANNELS)
    return (VIEWS, batch, *rest)


def inputs(layout: str) -> Tensor:
    """The global batch `[V, B, …]`, off centre."""
    size = shape(layout, batch=BATCH)
    return wave(1, int(np.prod(size)), 0.4).exp().reshape(size)


def scores(layout: str) -> Tensor:
    """What the loss multiplies outputs with."""
    size = shape(layout, batch=BATCH)
    return wave(int(np.prod(size)), 1, 1.1).reshape(size)


def with_affine(norm: nn.Module) -> None:
    with torch.no_grad():
        norm.weight.copy_(wave(1, CHANNELS, 0.3)[0])
        norm.bias.copy_(wave(1, CHANNELS, 0.6)[0])


def ours(world: World, *, layout: str, group: int | None) -> dict[str, Tensor]:
    """This rank's outputs, gradients and running statistics after one training pass."""
    channel_axis, _ = LAYOUTS[layout]
    norm = GatheredBatchNorm(CHANNELS, world=world, channel_axis=channel_axis, group=group).double()
    with_affine(norm)
    x = inputs(layout).chunk(world.size, dim=1)[world.rank].clone().requires_grad_()
    weights = scores(layout).chunk(world.size, dim=1)[world.rank]
    y = norm(x.flatten(0, 1), views=VIEWS).unflatten(0, (VIEWS, -1))
    (y * weights).mean().backward()
    return {
        "y": y,
        "x": x.grad,
        "weight": norm.weight.grad,
        "bias": norm.bias.grad,
        "running_mean": norm.running_mean,
        "running_var": norm.running_var,
    }


def torchs(*, layout: str) -> dict[str, Tensor]:
    """The same of `nn.BatchNorm1d`, called on each view of the global batch in turn."""
    channel_axis, _ = LAYOUTS[layout]
    norm = nn.BatchNorm1d(CHANNELS).double()
    with_affine(norm)
    x = inputs(layout).requires_grad_()
    outputs = []
    for view in x.unbind(0):
        front = view.movedim(channel_axis, 1) if view.ndim > 2 else view
        y = norm(front.flatten(2) if front.ndim > 2 else front).reshape(front.shape)
        outputs.append(y.movedim(1, channel_axis) if view.ndim > 2 else y)
    y = torch.stack(outputs)
    (y * scores(layout)).mean().backward()
    return {
        "y": y.detach(),
        "x": x.grad,
        "weight": norm.weight.grad,
        "bias": norm.bias.grad,
        "running_mean": norm.running_mean,
        "running_var": norm.running_var,
    }


def assert_same(built: dict, wanted: dict) -> None:
    for name in ("y", "x", "weight", "bias", "running_mean", "running_var"):
        np.testing.assert_allclose(built[name], wanted[name], err_msg=name, **EXACT)


def joined(ranks: tuple[dict[str, np.ndarray], ...]) -> dict[str, np.ndarray]:
    """Two ranks as one: samples concatenated, parameter gradients averaged."""
    one, two = ranks
    np.testing.assert_array_equal(one["running_mean"], two["running_mean"])
    np.testing.assert_array_equal(one["running_var"], two["running_var"])
    return one | {
        "y": np.concatenate([one["y"], two["y"]], axis=1),
        "x": np.concatenate([one["x"], two["x"]], axis=1) / 2,
        "weight": (one["weight"] + two["weight"]) / 2,
        "bias": (one["bias"] + two["bias"]) / 2,
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_rank_is_torchs(layout: str) -> None:
    built = {k: v.detach().numpy() for k, v in ours(World(), layout=layout, group=None).items()}
    assert_same(built, torchs(layout=layout))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_ranks_are_torchs_on_the_concatenated_batch(two_ranks, layout: str) -> None:
    assert_same(joined(two_ranks.run(ours, layout=layout, group=None)), torchs(layout=layout))


@pytest.mark.parametrize("group", [1, 2, 3, 6])
def test_groups_are_the_same_on_one_rank_and_on_two(two_ranks, group: int) -> None:
    """Of 3 samples per rank: groups of 2 lie across the ranks, groups of 1 and 3 do not."""
    one = {k: v.detach().numpy() for k, v in ours(World(), layout="images", group=group).items()}
    assert_same(joined(two_ranks.run(ours, layout="images", group=group)), one)


def test_a_group_is_a_small_batch_of_its_own() -> None:
    built = ours(World(), layout="features", group=3)
    norm = nn.BatchNorm1d(CHANNELS).double()
    with_affine(norm)
    for view in range(VIEWS):
        for first in (0, 3):
            wanted = norm(inputs("features")[view, first : first + 3])
            torch.testing.assert_close(built["y"][view, first : first + 3], wanted, **EXACT)


def test_running_statistics_of_groups_follow_their_mean() -> None:
    built = ours(World(), layout="features", group=3)
    groups = inputs("features").unflatten(1, (2, 3))
    mean, var = torch.zeros(CHANNELS).double(), torch.ones(CHANNELS).double()
    for view in range(VIEWS):
        mean = 0.9 * mean + 0.1 * groups[view].mean(dim=1).mean(dim=0)
        var = 0.9 * var + 0.1 * groups[view].var(dim=1, unbiased=True).mean(dim=0)
    torch.testing.assert_close(built["running_mean"], mean, **EXACT)
    torch.testing.assert_close(built["running_var"], var, **EXACT)


def test_evaluation_uses_what_was_remembered() -> None:
    norm = GatheredBatchNorm(CHANNELS, world=World()).double()
    with torch.no_grad():
        norm.running_mean.copy_(wave(1, CHANNELS, 0.1)[0])
        norm.running_var.copy_(wave(1, CHANNELS, 0.1)[0].square() + 0.5)
    before = norm.running_mean.clone()
    x = inputs("features").flatten(0, 1)
    norm.eval()
    wanted = (x - norm.running_mean) / (norm.running_var + 1e-5).sqrt()
    torch.testing.assert_close(norm(x, views=VIEWS), wanted, **EXACT)
    assert torch.equal(norm.running_mean, before)


@pytest.mark.parametrize("backend", [None, "aot_eager"])
def test_paused_statistics_do_not_change_until_resumed(backend: str | None) -> None:
    norm = GatheredBatchNorm(CHANNELS, world=World()).double()
    call = norm if backend is None else torch.compile(norm, fullgraph=True, backend=backend)
    x = inputs("features").flatten(0, 1)
    y = call(x, views=VIEWS)
    after_one = norm.running_var.clone()
    with paused_statistics(nn.Sequential(norm)):
        torch.testing.assert_close(call(x, views=VIEWS), y, rtol=0, atol=0)
        assert torch.equal(norm.running_var, after_one)
    call(x, views=VIEWS)
    assert not torch.equal(norm.running_var, after_one)


def test_low_precision_is_normalised_in_float32() -> None:
    """A mean of 100 with a deviation of 1 would drown in bfloat16 statistics."""
    x = (100 + inputs("features").flatten(0, 1)).to(torch.bfloat16)
    norm = GatheredBatchNorm(CHANNELS, world=World())
    y = norm(x)
    assert y.dtype == torch.bfloat16
    wanted = nn.BatchNorm1d(CHANNELS)(x.float())
    torch.testing.assert_close(y.float(), wanted, rtol=0.01, atol=0.01)


@pytest.mark.parametrize("group", [4, 1])
def test_impossible_groups_are_refused(group: int) -> None:
    norm = GatheredBatchNorm(CHANNELS, world=World(), group=group)
    with pytest.raises(ValueError, match="must divide the batch"):
        norm(torch.ones(6, CHANNELS))


@pytest.mark.parametrize(
    ("scale", "offset", "names"), [(True, False, {"weight"}), (False, False, set())]
)
def test_affine_parts_exist_when_asked_for(*, scale: bool, offset: bool, names: set[str]) -> None:
    norm = GatheredBatchNorm(CHANNELS, world=World(), scale=scale, offset=offset)
    assert {name for name, _ in norm.named_parameters()} == names
    assert norm(torch.arange(12.0).reshape(3, 4)).shape == (3, 4)
