"""What a plan costs, said from meta tensors, is what real tensors then take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from eqspec.build.kept import Kept, size
from eqspec.build.optimizer import build_optimizer
from eqspec.build.trace import Line, Trace, trace
from eqspec.compile.plan import Plan
from eqspec.spec.load import parse_spec
from eqspec.spec.use import OpCall
from tests.graphs import Case
from tests.toys import PATH, plan_of, toy_plan, toy_text

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
    told = trace(plan).memory
    graph = Case(plan.graph, dtype=torch.float32).graph()
    for _, parameter in graph.trained():
        parameter.grad = torch.zeros_like(parameter)
    optimizer = build_optimizer(plan, graph.trained())
    optimizer.step()
    states = [v for s in optimizer.state.values() for v in s.values() if torch.is_tensor(v)]
    assert told.optimizer == size(states)
    assert told.optimizer == pytest.approx(copies * told.gradients, rel=0.01)


def test_what_is_kept_on_meta_is_kept_on_a_cpu(traced: Trace) -> None:
    """Attention included, whose matrix no fused kernel keeps."""
    case = Case(PLAN.graph, dtype=torch.float32)
    graph, streams = case.graph(), case.streams()
    beside = [*graph.parameters(), *graph.buffers(), *streams.values()]
    with Kept(beside=beside) as kept:
        cut = graph.encode(streams)
    del cut
    batch = next(iter(streams.values())).shape[1]
    assert traced.memory.encode.at(batch) == pytest.approx(kept.bytes, rel=0.05)


def test_memory_falls_with_micro_batches_and_bf16(traced: Trace) -> None:
    memory = replace(traced.memory, encode=Line(fixed=0.0, each=1000.0))
    whole = memory.peak(64)
    assert whole - memory.peak(64, micro_batches=4) == 48_000
    assert whole - memory.peak(64, precision="bf16") == 32_000
    assert memory.checkpoint == memory.weights + memory.optimizer


def test_groups_of_samples_are_probed_whole() -> None:
    """DINOv2's spread of class tokens is over the 64 samples of a released device."""
    text = toy_text("dinov2", batch=128).replace("koleo.group: null", "koleo.group: 64")
    grouped = trace(plan_of(parse_spec(text, path=Path("grouped.yaml"))))
    whole = trace(toy_plan("dinov2", batch=128))
    assert grouped.gflops_per_sample == pytest.approx(whole.gflops_per_sample, rel=0.01)
    assert grouped.memory.encode == whole.memory.encode
