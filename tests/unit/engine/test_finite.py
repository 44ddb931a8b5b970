"""What is no number stops a training before the weights move, and is called by its name."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from eqspec.engine.finite_check import NotFinite, need_finite_losses, need_finite_weights
from eqspec.engine.train import train
from tests.programs import program_of
from tests.toy_specs import PATH, toy_plan

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ({"loss": NAN, "a": NAN, "b": 1.0}, "the term `a` is nan at step 7"),
        ({"loss": NAN, "a": NAN, "b": NAN, "c": INF}, "the terms `a`, `b` and `c` are nan or inf"),
        ({"loss": INF, "a": 1e38}, "the loss is inf, although each of its terms is finite, at"),
    ],
)
def test_every_term_that_is_no_number_is_named(losses: dict[str, float], expected: str) -> None:
    with pytest.raises(NotFinite) as caught:
        need_finite_losses(losses, step=7)
    assert caught.value.message.startswith(expected)
    assert caught.value.step == 7


def test_numbers_pass() -> None:
    need_finite_losses({"loss": 3.0, "a": 1.0}, step=1)
    need_finite_weights({"w": torch.ones(2), "n": torch.tensor(3)}, step=1)


def test_a_weight_that_is_no_number_is_named() -> None:
    with pytest.raises(NotFinite, match="`w` is not finite at step 3"):
        need_finite_weights({"v": torch.ones(2), "w": torch.tensor([1.0, INF])}, step=3)


def _steep(_module: object, _inputs: object, out: Tensor) -> Tensor:
    """The same value, with an infinite slope at 0 times 0: a gradient that is NaN."""
    return out + (out * 0).sqrt()


def test_a_gradient_is_traced_to_its_term() -> None:
    program = program_of(toy_plan("vicreg", equivariance=PATH))
    program.graph.terms["recon"].register_forward_hook(_steep)
    before = {n: p.clone() for n, p in program.graph.trained()}
    with pytest.raises(NotFinite, match="the gradient of the term `recon` is nan at step 1"):
        next(train(program))
    assert all(torch.equal(before[n], p) for n, p in program.graph.trained())


def test_a_gradient_that_no_term_brought_is_traced_to_its_parameter() -> None:
    program = program_of(toy_plan("vicreg"))
    name, parameter = next(program.graph.trained())
    parameter.register_hook(lambda slope: slope * NAN)
    with pytest.raises(NotFinite, match=f"the gradient of `{name}` is nan at step 1"):
        next(train(program))
