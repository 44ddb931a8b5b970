"""Every optimizer keeps the contract of optimizers, and AdamW is the published update."""

from __future__ import annotations

from math import sqrt
from types import MappingProxyType

import pytest
import torch

from eqspec.ops.find import find_optimizer, op_names
from eqspec.ops.op import scheduled_fields

EXAMPLES = MappingProxyType(
    {
        name: {"lr": "5.0e-4 per 256", "weight_decay": 0.05, **find_optimizer(name).example}
        for name in op_names("optimizers")
    }
)
EACH = pytest.mark.parametrize("name", EXAMPLES)


@EACH
def test_an_optimizer_says_what_it_is(name: str) -> None:
    op = find_optimizer(name)
    assert op.about.splitlines()[0].endswith(".")
    assert op.rev >= 1
    params = op.Params.model_validate(EXAMPLES[name])
    assert op.Params.model_validate_json(params.model_dump_json()) == params
    assert params.lr.at(512) == 1e-3
    assert "weight_decay" in scheduled_fields(op.Params)


@EACH
def test_groups_keep_their_keys_and_wait_for_a_rate(name: str) -> None:
    op = find_optimizer(name)
    weight = torch.nn.Parameter(torch.ones(3))
    group = {"params": [weight], "lr_scale": 0.5, "decays": True}
    optimizer = op.build(op.Params.model_validate(EXAMPLES[name]), [group])
    kept = optimizer.param_groups[0]
    assert (kept["lr_scale"], kept["decays"]) == (0.5, True)
    weight.grad = torch.ones(3)
    optimizer.step()
    assert torch.equal(weight, torch.ones(3))


def test_adamw_is_its_formula() -> None:
    op = find_optimizer("adamw")
    params = op.Params(lr=1.0, betas=(0.8, 0.9), eps=1e-3)
    weight = torch.nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
    optimizer = op.build(params, [{"params": [weight]}])
    plain, first, second = 0.7, 0.0, 0.0
    for step, (grad, lr, decay) in enumerate([(0.3, 0.1, 0.0), (-0.2, 0.05, 0.5)], start=1):
        optimizer.param_groups[0].update(lr=lr, weight_decay=decay)
        weight.grad = torch.tensor([grad], dtype=torch.float64)
        optimizer.step()
        first = 0.8 * first + 0.2 * grad
        second = 0.9 * second + 0.1 * grad**2
        root = sqrt(second / (1 - 0.9**step)) + 1e-3
        plain = plain - lr * decay * plain - lr * first / (1 - 0.8**step) / root
        assert weight.item() == pytest.approx(plain, rel=1e-12)
