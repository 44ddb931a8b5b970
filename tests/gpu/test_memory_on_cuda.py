"""What a plan says of device memory is what the allocator hands out."""

from __future__ import annotations

import pytest
import torch

from eqspec.build.cost.trace import trace
from eqspec.compile.types.plan import Plan
from eqspec.engine.train import train
from tests.programs import program_of
from tests.toy_specs import PATH, toy_plan

VIT = (
    "{card: backbone, rev: 1, about: A small transformer., impl: vit, "
    "params: {patch: 4, width: 192, depth: 6, heads: 3}}"
)


def planned(method: str, *, equivariance: str, precision: str) -> Plan:
    plan = toy_plan(method, equivariance=equivariance, batch=16, backbone=VIT)
    train_plan = plan.train.model_copy(update={"precision": precision})
    return plan.model_copy(update={"train": train_plan})


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    ("method", "equivariance"), [("vicreg", "none"), ("vicreg", PATH), ("dinov2", PATH)]
)
def test_a_step_takes_what_the_plan_says(method: str, equivariance: str, precision: str) -> None:
    plan = planned(method, equivariance=equivariance, precision=precision)
    estimate = trace(plan).memory.peak(16)
    for _ in train(program_of(plan, device="cuda"), until=1):  # cuBLAS takes its workspaces
        pass
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    for _ in train(program_of(plan, device="cuda"), until=2):
        pass
    measured = torch.cuda.max_memory_allocated() - before
    assert measured == pytest.approx(estimate, rel=0.15)
