"""Tests of `machine.compile: auto`: long trainings are compiled, and a run keeps its choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
import torch

from eqspec.build.compile_choice import CPU, choose_compile, estimated_seconds
from eqspec.build.cost.trace import trace
from eqspec.build.toolchain import Toolchain
from eqspec.errors import EqspecError
from tests.toy_specs import toy_plan

if TYPE_CHECKING:
    from eqspec.build.cost.cached import Trace
    from eqspec.compile.types.plan import Plan

DEVICE = torch.device("cpu")


@pytest.fixture(autouse=True)
def toolchain(monkeypatch: pytest.MonkeyPatch) -> None:
    have_tools(monkeypatch, compiler=True)


def have_tools(monkeypatch: pytest.MonkeyPatch, *, compiler: bool) -> None:
    found = Toolchain(compiler=compiler, headers=True)
    monkeypatch.setattr("eqspec.build.compile_choice.find_toolchain", lambda: found)


def planned(*, steps: int = 4, wanted: Literal["auto", "on", "off"] = "auto") -> Plan:
    plan = toy_plan("vicreg")
    return plan.model_copy(
        update={
            "machine": plan.machine.model_copy(update={"compile": wanted}),
            "train": plan.train.model_copy(update={"steps": steps}),
        }
    )


def chosen(plan: Plan, *, recorded: bool | None = None) -> bool:
    return choose_compile(
        plan, device=DEVICE, traced=lambda: trace(plan), recorded=recorded
    ).compiled


def not_needed() -> Trace:
    pytest.fail("the cost was traced although the decision does not depend on it")


def test_a_training_is_compiled_from_the_length_on_that_pays() -> None:
    each = estimated_seconds(planned(steps=1), trace(planned()), device=DEVICE)
    enough = int(CPU.pays_after / each) + 1
    assert chosen(planned(steps=enough))
    assert not chosen(planned(steps=enough - 2))


def test_the_reason_for_not_compiling_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned()
    short = choose_compile(plan, device=DEVICE, traced=lambda: trace(plan))
    assert short.why_not == "it pays from about 30 min of training on"
    have_tools(monkeypatch, compiler=False)
    lacking = choose_compile(plan, device=DEVICE, traced=not_needed)
    assert lacking.why_not == "this machine lacks a C++ compiler (`g++`) (EQ504)"


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("steps", [4, 10**9])
def test_a_run_keeps_its_choice(steps: int, recorded: bool) -> None:
    plan = planned(steps=steps)
    choice = choose_compile(plan, device=DEVICE, traced=not_needed, recorded=recorded)
    assert choice.compiled is recorded


@pytest.mark.parametrize(("wanted", "compiled"), [("on", True), ("off", False)])
@pytest.mark.parametrize("recorded", [None, True, False])
def test_the_spec_decides_if_it_wants_to(
    wanted: Literal["on", "off"], compiled: bool, recorded: bool | None
) -> None:
    plan = planned(wanted=wanted)
    choice = choose_compile(plan, device=DEVICE, traced=not_needed, recorded=recorded)
    assert (choice.compiled, choice.why_not) == (compiled, "")


def test_what_is_required_and_impossible_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    have_tools(monkeypatch, compiler=False)
    with pytest.raises(EqspecError, match="lacks a C"):
        choose_compile(planned(wanted="on"), device=DEVICE, traced=not_needed)


def test_a_step_takes_the_time_of_its_operations_and_an_overhead() -> None:
    plan, cost = planned(steps=10), trace(planned())
    cores = 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eqspec.build.compile_choice.usable_cores", lambda: cores)
        seconds = estimated_seconds(plan, cost, device=DEVICE)
    work = cost.train_gflops_per_sample * 1e9 * plan.train.batch
    assert seconds == pytest.approx(10 * (work / (3 * 5e10) + 0.02))
