"""Tests of LARS, SGD and Adam against published numbers and element-wise formulas."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from eqspec.ops.find import find_optimizer
from tests.reference.waves import wave

RATES = ((0.5, 0.01), (0.3, 0.2), (0.1, 0.0))
"""(learning rate, weight decay) of successive steps."""


def optimizer(name: str, tensors: list[torch.Tensor], **params: Any) -> torch.optim.Optimizer:
    op = find_optimizer(name)
    groups = [{"params": tensors, "lr_scale": 1.0}]
    return op.build(op.Params(lr=1.0, **params), groups)


def moved(stepped: torch.optim.Optimizer, gradients: list[torch.Tensor], *, at: int) -> None:
    """One step, with numbers written into the groups as the engine does."""
    lr, decay = RATES[at]
    for group in stepped.param_groups:
        group.update(lr=lr, weight_decay=decay)
        for parameter, gradient in zip(group["params"], gradients, strict=True):
            parameter.grad = gradient.clone()
    stepped.step()


def leaf(x: torch.Tensor) -> torch.nn.Parameter:
    return torch.nn.Parameter(x.clone())


@pytest.mark.parametrize(("dtype", "within"), [(torch.float64, 1e-9), (torch.float32, 1e-6)])
def test_lars_moves_as_vicregs(dtype: torch.dtype, within: float) -> None:
    """Two steps at lr 0.5 and decay 0.01, which the bias is spared.

    The released optimizers of VICReg and of Barlow Twins, run beside this one, move the same.
    """
    weight, bias = leaf(wave(2, 3, 0.0).to(dtype)), leaf(wave(1, 3, 0.0)[0].to(dtype))
    op = find_optimizer("lars")
    groups = [{"params": [weight]}, {"params": [bias]}]
    stepped = op.build(op.Params(lr=1.0), groups)
    for _ in range(2):
        for group, decay in zip(stepped.param_groups, (0.01, 0.0), strict=True):
            group.update(lr=0.5, weight_decay=decay)
        weight.grad, bias.grad = wave(2, 3, 0.5).to(dtype), wave(1, 3, 0.5)[0].to(dtype)
        stepped.step()
    assert weight[0].tolist() == pytest.approx(
        [0.3606330296, 0.6730693810, 0.8944089491], abs=within
    )
    assert bias.tolist() == pytest.approx([-0.7466615267, -0.6970988876, -0.5531871842], abs=within)


def plain_lars(values: list[float], gradients: list[list[float]], *, matrix: bool) -> list[float]:
    """The update, a number at a time."""
    memory = [0.0] * len(values)
    for (lr, decay), gradient in zip(RATES, gradients, strict=True):
        asked = [g + decay * v for g, v in zip(gradient, values, strict=True)]
        if matrix:
            own = math.sqrt(math.fsum(v * v for v in values))
            ratio = 0.02 * own / math.sqrt(math.fsum(a * a for a in asked))
            asked = [ratio * a for a in asked]
        memory = [0.7 * m + a for m, a in zip(memory, asked, strict=True)]
        values = [v - lr * m for v, m in zip(values, memory, strict=True)]
    return values


@pytest.mark.parametrize("shape", [(3, 4), (12,), (2, 3, 2)])
def test_lars_is_its_formula(shape: tuple[int, ...]) -> None:
    start, steps = wave(3, 4, 0.1), [wave(3, 4, 0.3 * k) for k in range(3)]
    parameter = leaf(start.reshape(shape))
    stepped = optimizer("lars", [parameter], momentum=0.7, trust=0.02)
    for at, gradient in enumerate(steps):
        moved(stepped, [gradient.reshape(shape)], at=at)
    flat = [s.flatten().tolist() for s in steps]
    wanted = plain_lars(start.flatten().tolist(), flat, matrix=len(shape) > 1)
    assert parameter.flatten().tolist() == pytest.approx(wanted, rel=1e-12)


def test_a_matrix_of_zeros_moves_by_its_gradient() -> None:
    parameter, gradient = leaf(torch.zeros(2, 2)), torch.ones(2, 2)
    moved(optimizer("lars", [parameter]), [gradient], at=2)
    assert torch.equal(parameter, -0.1 * gradient)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_is_its_formula(*, nesterov: bool) -> None:
    parameter = leaf(torch.tensor([0.7], dtype=torch.float64))
    stepped = optimizer("sgd", [parameter], momentum=0.9, nesterov=nesterov)
    plain, memory = 0.7, 0.0
    for at, (gradient, (lr, decay)) in enumerate(zip((0.3, -0.2, 0.5), RATES, strict=True)):
        moved(stepped, [torch.tensor([gradient], dtype=torch.float64)], at=at)
        asked = gradient + decay * plain
        memory = 0.9 * memory + asked
        plain -= lr * (asked + 0.9 * memory if nesterov else memory)
        assert parameter.item() == pytest.approx(plain, rel=1e-12)


def test_adam_is_its_formula() -> None:
    """Decay is part of the gradient, and so of both running means."""
    parameter = leaf(torch.tensor([0.7], dtype=torch.float64))
    stepped = optimizer("adam", [parameter], betas=(0.8, 0.9), eps=1e-3)
    plain, first, second = 0.7, 0.0, 0.0
    for at, (gradient, (lr, decay)) in enumerate(zip((0.3, -0.2, 0.5), RATES, strict=True)):
        moved(stepped, [torch.tensor([gradient], dtype=torch.float64)], at=at)
        asked = gradient + decay * plain
        first = 0.8 * first + 0.2 * asked
        second = 0.9 * second + 0.1 * asked**2
        root = math.sqrt(second / (1 - 0.9 ** (at + 1))) + 1e-3
        plain -= lr * first / (1 - 0.8 ** (at + 1)) / root
        assert parameter.item() == pytest.approx(plain, rel=1e-12)


def test_adam_without_decay_is_adamw_without_decay() -> None:
    pulled = [leaf(wave(3, 4, 0.1)) for _ in range(2)]
    pair = [optimizer(name, [x]) for name, x in zip(("adam", "adamw"), pulled, strict=True)]
    for stepped, x in zip(pair, pulled, strict=True):
        for phase in (0.2, 0.7):
            x.grad = wave(3, 4, phase)
            stepped.param_groups[0].update(lr=0.1, weight_decay=0.0)
            stepped.step()
    assert torch.equal(*pulled)


def test_nesterov_without_momentum_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a `momentum` above 0"):
        find_optimizer("sgd").Params(lr=1.0, nesterov=True)


@pytest.mark.parametrize("name", ["lars", "sgd", "adam", "adamw"])
def test_a_resumed_optimizer_goes_on_bit_for_bit(name: str) -> None:
    """Also where a parameter had to wait, and so has no state yet."""
    params: dict[str, Any] = {} if name.startswith("adam") else {"momentum": 0.9}
    start, gradients = [wave(3, 4, 0.1), wave(1, 4, 0.2)[0]], [wave(3, 4, 0.4), wave(1, 4, 0.5)[0]]
    whole, halves = [leaf(x.float()) for x in start], [leaf(x.float()) for x in start]
    straight, first = optimizer(name, whole, **params), optimizer(name, halves, **params)
    for stepped, tensors in ((straight, whole), (first, halves)):
        tensors[0].grad = gradients[0].float()
        stepped.param_groups[0].update(lr=0.1, weight_decay=0.05)
        stepped.step()
        assert torch.equal(tensors[1], start[1].float())
    second = optimizer(name, halves, **params)
    second.load_state_dict(first.state_dict())
    for stepped in (straight, second):
        moved(stepped, [g.float() for g in gradients], at=1)
    assert all(torch.equal(a, b) for a, b in zip(whole, halves, strict=True))
