"""Masks and drop path: a function of seed, step and place in the global batch, of nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eqspec.build.graph.inputs import drawn_inputs
from eqspec.compile.types.graph import GraphPlan
from tests.toy_specs import SMALL, toy_plan

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
    assert DRAWING == ["dino", "ibot", "dinov2", "mae", "ijepa"]


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


def dropped(plan: GraphPlan, *, batch: int, step: int = 0) -> dict[str, torch.Tensor]:
    tensors = drawn_inputs(
        plan, seed=0, step=step, positions=np.arange(batch), batch=batch, device=CPU
    )
    return {drop.name: tensors[drop.name] for drop in plan.drop_paths}


def test_drop_path_keeps_the_mean_and_draws_every_pass_on_its_own() -> None:
    plan = toy_plan("ibot").graph
    assert [drop.name for drop in plan.drop_paths] == ["drop.s", "drop.l"]
    for multipliers in dropped(plan, batch=4000).values():
        assert multipliers.dtype == torch.float32
        first, last = multipliers.unbind(2)
        assert (first == 1).all(), "the first block is never dropped"
        assert last.unique().tolist() == pytest.approx([0.0, 1 / 0.9])
        assert float(last.mean()) == pytest.approx(1.0, abs=0.02)
    one, other = dropped(plan, batch=100)["drop.s"].unbind(0)
    assert not torch.equal(one, other)
    assert not torch.equal(one[..., 0], one[..., 1])


def in_groups(size: int | None) -> GraphPlan:
    """DINOv2's toy, whose subsets are those of so many samples."""
    plan = toy_plan("dinov2").graph
    drops = tuple(drop.model_copy(update={"group": size}) for drop in plan.drop_paths)
    return plan.model_copy(update={"drop_paths": drops})


@pytest.mark.parametrize(("size", "kept"), [(None, 33), (12, 16), (4, 5), (1, 1)])
def test_a_subset_of_the_views_keeps_its_branches(size: int | None, kept: int) -> None:
    """As DINOv2 releases it: max(int(n · (1 − rate)), 1) of n views, and the mean stays."""
    for name, multipliers in dropped(in_groups(size), batch=24).items():
        assert multipliers.shape == (2, 24, 2, 2), name
        groups = multipliers.unflatten(1, (-1, size or 24))  # [V, groups, size, L, 2]
        views = 2 * (size or 24)
        assert ((groups > 0).sum(dim=(0, 2)) == kept).all()
        assert multipliers.unique().tolist() == pytest.approx([0.0, views / kept])
        assert groups.mean(dim=(0, 2)).flatten().tolist() == pytest.approx(
            [1.0] * (48 // views * 4)
        )


@pytest.mark.parametrize("size", [None, 4])
def test_a_rank_draws_its_part_of_the_subsets(size: int | None) -> None:
    plan, places = in_groups(size), np.array([9, 2, 8, 11])
    part = drawn_inputs(plan, seed=0, step=0, positions=places, batch=24, device=CPU)
    for name, whole in dropped(plan, batch=24).items():
        assert torch.equal(part[name], whole[:, places])


def test_subsets_change_with_branch_block_pass_and_step_and_reach_every_view() -> None:
    plan = in_groups(None)
    drawn = [dropped(plan, batch=24, step=step)["drop.s"] > 0 for step in range(60)]
    one = drawn[0]
    assert not torch.equal(one[..., 0], one[..., 1])
    assert not torch.equal(one[:, :, 0], one[:, :, 1])
    assert not torch.equal(one, drawn[1])
    assert not torch.equal(one, dropped(plan, batch=24)["drop.l"] > 0)
    often = torch.stack(drawn).double().mean(dim=(0, 3, 4))  # [V, B]
    assert (often - 33 / 48).abs().max() < 0.15
