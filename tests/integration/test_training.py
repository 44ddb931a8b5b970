"""The engine on the real program at toy size: precision, restart from one integer, and NaN."""

from __future__ import annotations

import pytest
import torch

from eqspec.engine.events import Paused
from eqspec.engine.finite_check import NotFinite
from eqspec.engine.train import train
from tests.programs import program_of, stepped
from tests.toy_specs import PATH, toy_plan


@pytest.mark.parametrize("method", ["vicreg", "ibot"])
def test_bf16_trains_with_losses_in_fp32(method: str) -> None:
    plan = toy_plan(method, equivariance=PATH)
    half = plan.model_copy(update={"train": plan.train.model_copy(update={"precision": "bf16"})})
    program = program_of(half)
    losses: list[torch.dtype] = []
    for term in program.graph.terms.values():
        term.register_forward_hook(lambda _m, _i, out: losses.append(out.dtype))
    encoders: list[torch.dtype] = []
    program.graph.students["encoder"].blocks[0].attn.register_forward_hook(
        lambda _m, _i, out: encoders.append(out.dtype)
    )
    lows = stepped(program)
    assert set(losses) == {torch.float32}
    assert set(encoders) == {torch.bfloat16}
    fulls = stepped(program_of(plan))
    for low, full in zip(lows, fulls, strict=True):
        assert low.metrics["loss"] == pytest.approx(full.metrics["loss"], rel=0.05)
        assert low.metrics["loss"] != full.metrics["loss"]


def test_a_restart_needs_one_integer_and_the_state() -> None:
    plan = toy_plan("ibot", equivariance=PATH)
    whole = stepped(program_of(plan))
    first = program_of(plan)
    halfway = stepped(first, until=2)
    second = program_of(plan)
    second.graph.load_state_dict(first.graph.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    together = [*halfway, *stepped(second, start=2)]
    assert [e.step for e in together] == [e.step for e in whole]
    assert [e.metrics for e in together] == [e.metrics for e in whole]


def test_the_last_step_pauses_and_nothing_follows() -> None:
    events = list(train(program_of(toy_plan("vicreg"))))
    assert isinstance(events[-1], Paused)
    assert events[-1].step == 4
    assert events[-1].pause.checkpoint


def test_a_term_that_is_no_number_stops_before_the_weights_move() -> None:
    program = program_of(toy_plan("vicreg", equivariance=PATH))
    with torch.no_grad():
        next(program.graph.students["decoder_1"].parameters()).fill_(float("nan"))
    encoder = program.graph.students["encoder"]
    before = {n: p.clone() for n, p in encoder.named_parameters()}
    with pytest.raises(NotFinite, match=r"`recon` is nan at step 1"):
        stepped(program)
    assert all(torch.equal(before[n], p) for n, p in encoder.named_parameters())
