"""The cost of a plan, traced on fake tensors, is what real tensors take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from eqspec.build.cost.cached import Line, Trace
from eqspec.build.cost.live_memory import Live, size
from eqspec.build.cost.trace import trace
from eqspec.build.optimizer import build_optimizer
from eqspec.compile.types.plan import Plan
from eqspec.spec.load import parse_spec
from eqspec.spec.use import OpCall
from tests.graphs import Case
from tests.toy_specs import PATH, plan_of, toy_plan, toy_text

PLAN = toy_plan("vicreg", equivariance=PATH)


@pytest.fixture(scope="module")
def traced() -> Trace:
    return trace(PLAN)


def with_optimizer(plan: Plan, impl: str, **params: float) -> Plan:
    optimizer = OpCall(impl=impl, params={"lr": 1.0, **params})
    return plan.model_copy(update={"train": plan.train.model_copy(update={"optimizer": optimizer})})


def test_parameters_are_those_of_the_real_graph(traced: Trace) -> None:
    graph = Case(PLAN.graph, dtype=torch.float32).graph()
    assert traced.trained == sum(p.numel() for _, p in graph.trained())
    assert traced.memory.weights == size(graph.state_dict().values())
    assert traced.memory.gradients == 4 * traced.trained


def test_training_takes_about_three_forward_passes(traced: Trace) -> None:
    assert 2.5 < traced.train_gflops_per_sample / traced.gflops_per_sample < 3.3


def test_micro_batches_encode_twice(traced: Trace) -> None:
    machine = PLAN.machine.model_copy(update={"micro_batches": 2})
    pieces = trace(PLAN.model_copy(update={"machine": machine}))
    assert traced.train_gflops_per_sample < pieces.train_gflops_per_sample
    assert pieces.train_gflops_per_sample < (
        traced.train_gflops_per_sample + traced.gflops_per_sample
    )


@pytest.mark.parametrize(
    ("impl", "params", "copies"),
    [("adamw", {}, 2), ("lars", {}, 1), ("sgd", {"momentum": 0.9}, 1), ("sgd", {}, 0)],
)
def test_optimizer_state_is_what_the_optimizer_holds(
    impl: str, params: dict[str, float], copies: int
) -> None:
    plan = with_optimizer(toy_plan("vicreg"), impl, **params)
    reported = trace(plan).memory
    graph = Case(plan.graph, dtype=torch.float32).graph()
    for _, parameter in graph.trained():
        parameter.grad = torch.zeros_like(parameter)
    optimizer = build_optimizer(plan, graph.trained())
    optimizer.step()
    states = [v for s in optimizer.state.values() for v in s.values() if torch.is_tensor(v)]
    assert reported.optimizer == size(states)
    assert reported.optimizer == pytest.approx(copies * reported.gradients, rel=0.01)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_is_alive_on_fake_tensors_is_alive_on_a_cpu(precision: str) -> None:
    """Attention included, whose matrix no fused kernel keeps, and the copies of autocast."""
    training = PLAN.train.model_copy(update={"precision": precision})
    traced = trace(PLAN.model_copy(update={"train": training}))
    case = Case(PLAN.graph, dtype=torch.float32)
    graph, streams = case.graph(), case.streams()
    low = torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16")
    with low, Live(beside=[*graph.parameters(), *graph.buffers(), *streams.values()]) as live:
        cut = graph.encode(streams)
        alive = live.now
    batch = next(iter(streams.values())).shape[1]
    assert traced.memory.cut.at(batch) == size(cut.values())
    assert traced.memory.encode.at(batch) == pytest.approx(alive, rel=0.02)


def test_memory_is_counted_from_its_making_to_its_end() -> None:
    """By hand: what is alive at once, and what autograd keeps of it."""
    given = torch.ones(1000, device="meta", requires_grad=True)
    with Live(beside=[given]) as live:
        view = given.view(10, 100)  # the same memory
        assert (live.now, live.peak) == (0, 0)
        twice = view * 2.0
        squared = twice * twice  # keeps `twice`
        assert live.now == 8000
        del twice, view
        assert live.now == 8000, "kept for the backward pass"
        total = squared.sum()
        del squared
        assert (live.now, live.peak) == (4004, 8004)
        live.mark()
        total.backward()
        assert given.grad is not None
        del total
    assert live.now == 4000, "the gradient"
    assert live.peak > 8000


def test_a_step_takes_the_larger_of_its_phases(traced: Trace) -> None:
    memory = replace(
        traced.memory,
        weights=1,
        gradients=10,
        optimizer=100,
        inputs=Line(fixed=0.0, each=1.0),
        cut=Line(fixed=0.0, each=2.0),
        encode=Line(fixed=0.0, each=1000.0),
        loss=Line(fixed=0.0, each=300.0),
        backward=Line(fixed=10.0, each=1200.0),
    )
    assert memory.peak(64) == 101 + 64 + 64 * 1300
    assert memory.peak(64, micro_batches=4) == 101 + 64 + max(64 * 302, 64 * 4 + 10 + 16 * 1200)
    assert memory.checkpoint == memory.weights + memory.optimizer


def test_groups_of_samples_are_probed_whole() -> None:
    """DINOv2's spread of class tokens is over the 64 samples of a released device."""
    text = toy_text("dinov2", batch=128).replace("koleo.group: null", "koleo.group: 64")
    grouped = trace(plan_of(parse_spec(text, path=Path("grouped.yaml"))))
    whole = trace(toy_plan("dinov2", batch=128))
    assert grouped.gflops_per_sample == pytest.approx(whole.gflops_per_sample, rel=0.01)
    assert grouped.memory.encode.at(128) == whole.memory.encode.at(128)
