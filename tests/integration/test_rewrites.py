"""What the terms of each rewrite pull on, that no gradient stops, and that all of it trains."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from eqspec.build.graph.training_graph import TrainGraph
from eqspec.build.program import build_program
from eqspec.engine.events import Stepped
from eqspec.engine.train import train
from eqspec.spec.load import parse_spec
from tests.fakes import FakeImages
from tests.graphs import Case, every_stream
from tests.toy_specs import COMPOSITIONS, REWRITES, SUITED, plan_of, toy_plan, toy_text

EACH = pytest.mark.parametrize(("method", "rewrite"), COMPOSITIONS.values(), ids=COMPOSITIONS)

HEADS = {
    "sie": {"equi_projector", "equi_predictor"},
    "sie-no-var": {"equi_projector", "equi_predictor"},
    "sie-only-equi": {"equi_predictor"},
    "cross-attention": {"mixer", "image_decoder"},
    "e-ssl": {"turn_head", "turn_classifier"},
    "equimod": {"augmentation_projector", "equi_projector", "equi_predictor"},
    "augself": {"crop_predictor", "color_predictor"},
    "stl": {"change", "change_projector", "equi_projector", "equi_predictor"},
    "ser": {"token_projector"},
}
"""Rewrite → the modules that it adds."""


@EACH
def test_two_steps_are_trained(method: str, rewrite: str) -> None:
    """With the real loader, views, engine and optimizer."""
    text = toy_text(method, equivariance=rewrite, extra='machine: {compile: "off"}')
    plan = plan_of(parse_spec(text, path=Path("toy.yaml")))
    program = build_program(plan, dataset=FakeImages(count=plan.data.count))
    before = {name: p.detach().clone() for name, p in program.graph.trained()}
    steps = [event for event in train(program, until=2) if isinstance(event, Stepped)]
    assert [step.step for step in steps] == [1, 2]
    for step in steps:
        assert all(torch.tensor(v).isfinite() for v in step.metrics.values())
        assert {term.name for term in plan.graph.terms} <= set(step.metrics)
    moved = {n.split(".")[0] for n, p in program.graph.trained() if not torch.equal(p, before[n])}
    frozen = {"prototypes"} if method in {"dino", "ibot", "dinov2"} else set[str]()
    assert moved | frozen == {m.name for m in plan.graph.modules} | frozen


def pulls(case: Case, graph: TrainGraph, *names: str) -> dict[str, set[str]]:
    """Term → modules whose parameters it gives a gradient that is not all zero."""
    loss = graph(case.streams(), case.controls())
    parameters = dict(graph.trained())
    found: dict[str, set[str]] = {}
    for term in names or tuple(loss.terms):
        slopes = torch.autograd.grad(
            loss.terms[term], list(parameters.values()), retain_graph=True, allow_unused=True
        )
        found[term] = {
            name.split(".")[0]
            for name, slope in zip(parameters, slopes, strict=True)
            if slope is not None and slope.any()
        }
    return found


@pytest.mark.parametrize("name", HEADS)
def test_a_rewrites_terms_pull_on_its_heads_and_on_the_encoder(name: str) -> None:
    case = Case(toy_plan("vicreg_sie", equivariance=REWRITES[name]).graph)
    own = {m.name for m in toy_plan("vicreg_sie").graph.modules}
    assert {m.name for m in case.plan.modules} - own == HEADS[name]
    found = pulls(case, case.graph())
    added = set[str]().union(*(found[term] for term in case.plan.added))
    whole = case.plan.split is None and name != "sie-only-equi"
    assert added == HEADS[name] | {"encoder"} | (set() if whole else {"embed"}) | (
        {"projector"} if name == "sie-only-equi" else set()
    )
    for term in set(found) - set(case.plan.added):
        reads_whole = name in {"sie", "sie-no-var"} and term != "invariance"
        assert found[term] == {"encoder", "embed", "projector"} | (
            {"equi_projector"} if reads_whole else set()
        )


@pytest.mark.parametrize(
    ("name", "method"),
    [(n, m) for n in ("e-ssl", "equimod", "augself", "stl", "ser") for m in SUITED[n]],
)
def test_a_whole_embedding_is_left_to_the_method(method: str, name: str) -> None:
    """What such a rewrite adds pulls on its own heads, on a projector's twin never, and above."""
    case = Case(toy_plan(method, equivariance=REWRITES[name]).graph)
    found = pulls(case, case.graph(), *case.plan.added)
    assert set[str]().union(*found.values()) == HEADS[name] | {"encoder"}


def reached(name: str, term: str, *streams: str, method: str = "vicreg") -> dict[str, list[bool]]:
    """For each stream and each of its views: whether the term's gradient arrives there."""
    case = Case(toy_plan(method, equivariance=REWRITES[name]).graph)
    graph = case.graph()
    given = case.streams()
    cut = {n: x.detach().requires_grad_() for n, x in graph.encode(given).items()}
    built = every_judged(graph, {**given, **cut})
    plan = next(t for t in case.plan.terms if t.name == term)
    ports = {
        port: built[of] if isinstance(of, str) else tuple(built[s] for s in of)
        for port, of in plan.ports.items()
    }
    value = graph.terms[term](**ports)
    slopes = torch.autograd.grad(value, [built[n] for n in streams], allow_unused=True)
    return {
        n: [] if s is None else [bool(view.any()) for view in s]
        for n, s in zip(streams, slopes, strict=True)
    }


@pytest.mark.parametrize("method", SUITED["path-encoder"])
def test_either_part_of_a_cut_encoder_is_pulled_by_its_own_terms_alone(method: str) -> None:
    """To the bit: the method's terms leave the equivariant channels alone, and the reverse."""
    plan = toy_plan(method, equivariance=REWRITES["path-encoder"]).graph
    case = Case(plan)
    graph, given, controls = case.graph(), case.streams(), case.controls()
    assert plan.split is not None
    d_inv, _ = plan.split
    for added in (True, False):
        weights = {
            f"{t.name}.weight": controls[f"{t.name}.weight"] * ((t.name in plan.added) == added)
            for t in plan.terms
        }
        cut = {n: x.detach().requires_grad_() for n, x in graph.encode(given).items()}
        loss = graph.loss({**given, **cut}, {**controls, **weights}).total
        slopes = torch.autograd.grad(loss, list(cut.values()), materialize_grads=True)
        own, other = (
            (slice(d_inv, None), slice(d_inv)) if added else (slice(d_inv), slice(d_inv, None))
        )
        assert any(bool(slope[..., own].any()) for slope in slopes)
        assert not any(bool(slope[..., other].any()) for slope in slopes)


def every_judged(graph: TrainGraph, streams: dict[str, Tensor]) -> dict[str, Tensor]:
    """All streams of the judge, with their graph."""
    built = dict(streams)
    for step in graph.loss.instructions:
        built[step.out] = step.call(*(built[name] for name in step.reads))
    return built


def test_no_gradient_is_stopped() -> None:
    """None of SIE, E-SSL, EquiMod, AugSelf, CARE, STL and SER does: both sides are pulled."""
    assert reached("sie", "equivariance", "equi_p") == {"equi_p": [True, True]}
    assert reached("sie-only-equi", "equivariance", "p") == {"p": [True, True]}
    assert reached("e-ssl", "rotation", "turned_tokens") == {"turned_tokens": [True] * 4}
    found = reached("equimod", "equivariance", "seen_p", "plain_p", "tokens", "plain_tokens")
    assert found == {
        "seen_p": [True, True],
        "plain_p": [True],
        "tokens": [True, True],
        "plain_tokens": [True],
    }
    for term in ("crop", "color"):
        assert reached("augself", term, "tokens") == {"tokens": [True, True]}
    for term in ("equivariance", "transformation"):
        assert reached("stl", term, "tokens") == {"tokens": [True, True]}
    assert reached("ser", "equivariance", "mirrored_tokens") == {"mirrored_tokens": [True] * 5}
    found = reached("care", "equivariance", "alike_0_tokens", "alike_1_tokens", "tokens")
    assert found == {"alike_0_tokens": [True], "alike_1_tokens": [True], "tokens": []}


@pytest.mark.parametrize("method", SUITED["care"])
def test_care_pulls_on_all_that_its_projections_are_made_by(method: str) -> None:
    case = Case(toy_plan(method, equivariance=REWRITES["care"]).graph)
    own = {m.name for m in case.plan.modules} - {"predictor"}
    assert pulls(case, case.graph(), "equivariance") == {"equivariance": own}


@pytest.mark.parametrize("method", ["ibot", "mocov3"])
def test_cross_attention_reads_both_views_and_the_equivariant_part_alone(method: str) -> None:
    case = Case(toy_plan(method, equivariance=REWRITES["cross-attention"]).graph)
    assert case.plan.split is not None
    (equi,) = {n.of for n in case.plan.loss if n.out == "equi_tokens" and n.kind == "select"}
    found = reached("cross-attention", "recon", equi, equi.removesuffix(".equi"), method=method)
    assert found == {equi: [True, True], equi.removesuffix(".equi"): []}


def test_drawn_streams_are_asked_of_no_device_in_vain() -> None:
    """Only what the graph reads is handed on."""
    for name, rewrite in REWRITES.items():
        plan = toy_plan("vicreg_sie", equivariance=rewrite)
        read = set(plan.graph.streams)
        assert set(plan.views.draws) == {s for s in read if s.split(".")[0] == "draws"}, name
        assert plan.views.pixels == ("global.pixels" in read), name


def test_reading_a_graph_twice_gives_the_same() -> None:
    case = Case(toy_plan("ibot", equivariance=REWRITES["equimod"]).graph)
    one, two = (every_stream(case.graph(), case.streams()) for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
