"""Tests of a step of one of several processes, rehearsed without the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from torch import Tensor, distributed

from eqspec.build.cost.trace import trace
from eqspec.commands.planning.estimate import peak
from eqspec.commands.planning.rehearsal import rehearse
from eqspec.errors import EqspecError
from eqspec.nn.world import World
from tests.command_line import ask
from tests.toy_specs import PATH, toy_plan

if TYPE_CHECKING:
    from eqspec.compile.types.plan import Plan


def plan_of(method: str, *, equivariance: str = "none", batch: int = 64) -> Plan:
    plan = toy_plan(method, equivariance=equivariance)
    return plan.model_copy(update={"train": plan.train.model_copy(update={"batch": batch})})


@pytest.mark.parametrize("method", ["vicreg", "ibot", "dinov2"])
def test_what_is_sent_is_what_the_graph_gathers(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gathers and sums are counted a second time, where the modules ask for them."""
    gathered: list[int] = []
    summed: list[int] = []
    gather, sum_ = World.gather, World.sum

    def noted_gather(self: World, x: Tensor, *, axis: int) -> Tensor:
        gathered.append(x.numel() * x.element_size())
        return gather(self, x, axis=axis)

    def noted_sum(self: World, x: Tensor) -> Tensor:
        summed.append(x.numel() * x.element_size())
        return sum_(self, x)

    monkeypatch.setattr(World, "gather", noted_gather)
    monkeypatch.setattr(World, "sum", noted_sum)
    plan = plan_of(method, equivariance=PATH)
    found = {(c.name, c.what): c for c in rehearse(plan, devices=4).collectives}
    gathers = found["all_gather", "the batch"]
    assert (gathers.count, gathers.bytes) == (len(gathered), sum(gathered))
    if summed:  # and as many again in the backward, where they carry a gradient
        sums = found["all_reduce", "the batch"]
        assert len(summed) <= sums.count <= 2 * len(summed)
    gradients = found["all_reduce", "gradients"]
    assert gradients.bytes == 4 * trace(plan).trained
    assert not distributed.is_initialized(), "the group was left"


def test_one_device_sends_nothing_and_needs_what_the_plan_estimates() -> None:
    plan = plan_of("vicreg", equivariance=PATH)
    alone = rehearse(plan, devices=1)
    assert alone.collectives == ()
    assert alone.memory == pytest.approx(peak(plan, trace(plan), share=64), rel=0.15)
    shared = rehearse(plan, devices=8)
    assert shared.share == 8
    assert shared.memory < alone.memory


def test_a_batch_that_cannot_be_shared() -> None:
    with pytest.raises(EqspecError, match="cannot be cut into 3 equal pieces"):
        rehearse(plan_of("vicreg"), devices=3)


def test_on_the_command_line() -> None:
    shown = ask("plan", "specs/quickstart.yaml", "--devices", "4", "--rehearse")
    assert shown.status == 0
    assert "4 devices, 16 samples each" in shown.out
    assert "all_gather" in shown.out
    data = ask("plan", "specs/quickstart.yaml", "--devices", "4", "--rehearse", "--json").data
    assert data["rehearsal"]["share"] == 16
    alone = ask("plan", "specs/quickstart.yaml", "--rehearse")
    assert alone.status == 2
    assert "`--rehearse` needs `--devices N`" in alone.err
