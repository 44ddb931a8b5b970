"""Masks and drop path: a function of seed, step and place in the global batch, of nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eqspec.build.inputs import drawn_inputs
from tests.toys import SMALL, toy_plan

CPU = torch.device("cpu")
BATCH = 6


def drawn(
    method: str, *, positions: list[int], seed: int = 0, step: int = 5
) -> dict[str, np.ndarray]:
    tensors = drawn_inputs(
        toy_plan(method).graph,
        seed=seed,
        step=step,
        positions=np.array(positions),
        batch=BATCH,
        device=CPU,
    )
    return {name: tensor.numpy() for name, tensor in tensors.items()}


DRAWING = [m for m in SMALL if toy_plan(m).graph.inputs or toy_plan(m).graph.drop_paths]


def test_those_that_draw() -> None:
    assert DRAWING == ["ibot", "dinov2", "mae", "ijepa"]


@pytest.mark.parametrize("method", DRAWING)
def test_a_share_of_the_batch_draws_what_the_whole_draws(method: str) -> None:
    whole = drawn(method, positions=list(range(BATCH)))
    share = drawn(method, positions=[4, 2])
    plan = toy_plan(method).graph
    for name, array in share.items():
        axis = plan.streams[name].axes.index("B")
        np.testing.assert_array_equal(array, whole[name].take([4, 2], axis=axis), err_msg=name)
        assert array.shape == plan.streams[name].shape(batch=2)


@pytest.mark.parametrize("method", DRAWING)
def test_another_step_or_seed_draws_anew(method: str) -> None:
    one = drawn(method, positions=list(range(BATCH)))
    for other in ({"step": 6}, {"seed": 1}):
        again = drawn(method, positions=list(range(BATCH)), **other)
        assert any(not np.array_equal(again[name], array) for name, array in one.items())


def test_drop_path_keeps_the_mean_and_draws_every_pass_on_its_own() -> None:
    plan = toy_plan("dinov2").graph
    assert [drop.name for drop in plan.drop_paths] == ["drop.s", "drop.l"]
    tensors = drawn_inputs(plan, seed=0, step=0, positions=np.arange(4000), batch=4000, device=CPU)
    for drop in plan.drop_paths:
        multipliers = tensors[drop.name]
        assert multipliers.dtype == torch.float32
        assert multipliers.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
        assert float(multipliers.mean()) == pytest.approx(1.0, abs=0.02)
    first, second = tensors["drop.s"][0], tensors["drop.s"][1]
    assert not torch.equal(first, second)
    assert not torch.equal(first[..., 0], first[..., 1])
