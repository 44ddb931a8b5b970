"""Every system trains on a CUDA device as on the CPU; bf16 and compiled code stay close to fp32."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from eqspec.compile.types.plan import Plan
from eqspec.engine.backward import backward
from tests.programs import program_of, stepped
from tests.toy_specs import COMPOSITIONS, PATH, REWRITES, toy_plan


def losses(plan: Plan, *, device: str = "cuda", compile: str = "off") -> list[float]:  # noqa: A002 - the field's name
    return [e.metrics["loss"] for e in stepped(program_of(plan, device=device, compile=compile))]


def gradients(
    plan: Plan, streams: dict[str, Tensor], *, device: str
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """The terms and gradients of the first step, in float64."""
    program = program_of(plan, device=device)
    graph = program.graph.double().train()
    given = {n: x.double() if x.is_floating_point() else x for n, x in streams.items()}
    controls = {n: x.double() for n, x in program.controls(0).items()}
    loss = backward(graph, {n: x.to(device) for n, x in given.items()}, controls).loss
    found = {n: p.grad.cpu() for n, p in graph.trained() if p.grad is not None}
    return {n: float(v.detach()) for n, v in loss.terms.items()}, found


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_a_system_has_the_losses_and_gradients_of_the_cpu(name: str) -> None:
    method, rewrite = COMPOSITIONS[name]
    plan = toy_plan(method, equivariance=REWRITES.get(rewrite, "none"))
    program = program_of(plan)
    streams = program.streams(next(program.batches(0, 1)))
    expected, expected_gradients = gradients(plan, streams, device="cpu")
    found, found_gradients = gradients(plan, streams, device="cuda")
    assert found == pytest.approx(expected, rel=1e-6)
    assert found_gradients.keys() == expected_gradients.keys()
    # Of a bias before a BatchNorm, for example, the gradient is 0 up to rounding.
    largest = max(float(gradient.abs().max()) for gradient in expected_gradients.values())
    for parameter, gradient in expected_gradients.items():
        within = 1e-6 * float(gradient.abs().max()) + 1e-12 * largest
        torch.testing.assert_close(found_gradients[parameter], gradient, rtol=0, atol=within)


@pytest.mark.parametrize("method", ["vicreg", "ibot", "dinov2", "mocov3"])
def test_the_same_training_has_the_same_bits(method: str) -> None:
    """The plan promises a resume with the same bits, which needs a step that repeats itself."""
    plan = toy_plan(method, equivariance=PATH)
    states = []
    for _ in range(2):
        program = program_of(plan, device="cuda")
        stepped(program)
        states.append(program.graph.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize("method", ["vicreg", "ibot", "dinov2"])
def test_bf16_is_close_to_fp32(method: str) -> None:
    plan = toy_plan(method, equivariance=PATH)
    half = plan.model_copy(update={"train": plan.train.model_copy(update={"precision": "bf16"})})
    assert losses(half) == pytest.approx(losses(plan), rel=0.05)


@pytest.mark.filterwarnings("default")  # torch's own, while it compiles
@pytest.mark.parametrize("method", ["vicreg", "ibot"])
def test_compiled_code_has_the_losses_of_eager_code(method: str) -> None:
    plan = toy_plan(method, equivariance=PATH)
    assert losses(plan, compile="on")[0] == pytest.approx(losses(plan)[0], rel=1e-4)
