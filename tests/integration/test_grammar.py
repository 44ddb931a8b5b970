"""Every method and every legal rewrite of it, compiled by the real compiler into the real graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from eqspec.build.cost.fake_graph import DTYPES, input_streams
from eqspec.build.graph.training_graph import TrainGraph
from eqspec.build.program import Program, build_program
from eqspec.engine.events import Stepped
from eqspec.engine.train import train
from eqspec.nn.world import World
from eqspec.spec.load import parse_spec
from tests.fakes import FakeImages
from tests.graphs import Case, backward_pass, every_stream, gradients
from tests.toy_sizes import method_card
from tests.toy_specs import (
    COMPOSITIONS,
    CUTTABLE,
    PATH,
    REWRITES,
    SIE,
    SMALL,
    SUITED,
    WITH_SIE,
    plan_of,
    toy_plan,
    toy_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from eqspec.compile.types.plan import Plan

EACH = pytest.mark.parametrize(("method", "rewrite"), COMPOSITIONS.values(), ids=COMPOSITIONS)
RESNET = (
    "{card: backbone, rev: 1, about: A toy residual network., impl: resnet, "
    "params: {depth: 18, stem: STEM}}"
)

LAST_LAYER = {
    "vicreg_pooled": {"encoder.norm.weight", "encoder.norm.bias"},
    "ibot": {"prototypes.weight_g", "prototypes.weight_v"},
}
"""Method → the parameters with one row per feature of its embedding; of others a linear layer."""


def last_layer(method: str) -> set[str]:
    """The parameters with one row per feature of a method's embedding."""
    if method in LAST_LAYER:
        return LAST_LAYER[method]
    embedding = method_card(method).embedding
    assert embedding is not None, "it can be cut"
    (module,) = (m for m in toy_plan(method).graph.modules if m.name == embedding.module)
    widths = module.params.get("widths", [0])
    layer = f"{embedding.module}.linears.{len(widths) - 1}"
    return {f"{layer}.weight", f"{layer}.bias"}


def case_of(method: str, rewrite: str) -> Case:
    return Case(toy_plan(method, equivariance=rewrite).graph)


@EACH
def test_forward_and_backward(method: str, rewrite: str) -> None:
    case = case_of(method, rewrite)
    graph = case.graph()
    done = backward_pass(case, graph)
    assert done.loss.total.isfinite()
    assert set(done.loss.terms) == {term.name for term in case.plan.terms}
    found = gradients(graph)
    for name, _ in graph.trained():
        assert found[name].isfinite().all(), name
        assert found[name].any(), name


@EACH
def test_every_stream_has_its_planned_shape_on_meta_and_on_real_tensors(
    method: str, rewrite: str
) -> None:
    plan = toy_plan(method, equivariance=rewrite)
    batch = 3 * max(v.shared.samples if v.shared else 1 for v in plan.views.views)
    case = Case(plan.graph, batch=batch)
    real = every_stream(case.graph(), case.streams())
    with torch.device("meta"):
        hollow = TrainGraph(plan.graph, world=World())
        meta = every_stream(hollow, input_streams(plan, batch=batch))
    assert real.keys() == meta.keys() == plan.graph.streams.keys()
    for name, kind in plan.graph.streams.items():
        assert real[name].shape == meta[name].shape == kind.shape(batch=batch), name
        assert real[name].dtype == meta[name].dtype == DTYPES[kind.dtype], name


def rows_pulled(case: Case, graph: TrainGraph, *, embedding: set[str]) -> dict[str, list[Tensor]]:
    """Term → the gradients that it alone gives to the rows of the embedding's last layer."""
    parameters = [p for name, p in graph.trained() if name in embedding]
    assert len(parameters) == len(embedding)
    loss = graph(case.streams(), case.controls())
    return {
        name: [
            torch.zeros_like(p) if slope is None else slope
            for p, slope in zip(
                parameters,
                torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True),
                strict=True,
            )
        ]
        for name, value in loss.terms.items()
    }


@pytest.mark.parametrize("method", CUTTABLE)
def test_the_two_parts_of_the_embedding_are_trained_apart(method: str) -> None:
    """L_recon gives exactly nothing to z_inv's rows, the method's terms none to z_equi's."""
    case = case_of(method, PATH)
    assert case.plan.split is not None
    d_inv, _ = case.plan.split
    pulled = rows_pulled(case, case.graph(), embedding=last_layer(method))
    for slope in pulled.pop("recon"):
        assert not slope[:d_inv].any()
        assert slope[d_inv:].any()
    for part in (slice(None, d_inv), slice(d_inv, None)):
        reached = [any(slope[part].any() for slope in slopes) for slopes in pulled.values()]
        if part.start is None:
            # KoLeo reads what comes before the embedding.
            assert reached == [name != "koleo" for name in pulled]
        else:
            assert not any(reached)


@pytest.mark.parametrize("method", WITH_SIE)
def test_sie_regularises_the_whole_and_aligns_the_parts(method: str) -> None:
    case = case_of(method, SIE)
    pulled = rows_pulled(case, case.graph(), embedding=last_layer(method))
    reached = {
        name: tuple(any(s[part].any() for s in slopes) for part in (slice(16), slice(16, None)))
        for name, slopes in pulled.items()
    }
    assert reached == {
        "invariance": (True, False),
        "variance": (True, True),
        "covariance": (True, True),
        "equivariance": (False, True),
        "predicted_variance": (False, True),
    }


TAUGHT = {name: pair for name, pair in COMPOSITIONS.items() if toy_plan(pair[0]).graph.teachers}


@pytest.mark.parametrize(("method", "rewrite"), TAUGHT.values(), ids=TAUGHT)
def test_nothing_reaches_a_teacher(method: str, rewrite: str) -> None:
    case = case_of(method, rewrite)
    graph = case.graph()
    before = {name: x.clone() for name, x in graph.teachers.state_dict().items()}
    built = every_stream(graph, case.streams())
    taught = {n.out for n in (*case.plan.encode, *case.plan.loss) if getattr(n, "teacher", None)}
    assert taught
    assert not any(built[name].requires_grad for name in taught)
    backward_pass(case, graph)
    for name, parameter in graph.teachers.named_parameters():
        assert parameter.grad is None, name
        assert torch.equal(parameter, before[name]), name
    assert not any(name.startswith("teachers") for name, _ in graph.trained())


def test_all_teachers_were_looked_at() -> None:
    assert {method for method, _ in TAUGHT.values()} >= {
        "mocov3",
        "dino",
        "ibot",
        "dinov2",
        "ijepa",
    }


@pytest.mark.parametrize(("method", "width"), [("dino", 24), ("ibot", 16), ("dinov2", 24)])
def test_a_centre_is_as_wide_as_what_it_sees(method: str, width: int) -> None:
    """The first d_inv logits of iBOT are its prototypes; the others are cut before them."""
    graph = Case(toy_plan(method, equivariance=PATH).graph).graph()
    centred = [term for term in graph.terms.values() if list(term.buffers())]
    assert len(centred) == (1 if method == "dino" else 2)
    for term in centred:
        (centre,) = term.buffers()
        assert centre.shape == (width,)


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
def test_a_residual_network_carries_the_path(stem: str) -> None:
    plan = toy_plan("vicreg", equivariance=PATH, backbone=RESNET.replace("STEM", stem))
    case = Case(plan.graph, batch=4)
    graph = case.graph()
    built = every_stream(graph, case.streams())
    assert built["tokens"].shape == (2, 4, {"cifar": 17, "imagenet": 2}[stem], 512)
    assert built["made"].shape == built["between"].shape
    backward_pass(case, graph)
    assert all(slope.any() for slope in gradients(graph).values())


@pytest.mark.parametrize("method", CUTTABLE)
def test_a_rewrite_changes_no_initial_value(method: str) -> None:
    """Modules that read what they read before start as before, however many decoders there are."""
    base, ours, one = (
        case_of(method, rewrite) for rewrite in ("none", PATH, PATH[:-1] + ", images: 1}")
    )
    reads = {module.name: module.inputs for module in ours.plan.modules}
    after = ours.graph().state_dict()
    for case in (base, one):
        same = {m.name for m in case.plan.modules if reads[m.name] == m.inputs}
        assert case.plan.modules[0].name in same
        for name, value in case.graph().state_dict().items():
            kind, _, rest = name.partition(".")
            module = rest.split(".")[0 if kind == "students" else 1]
            if kind != "terms" and module in same:
                assert torch.equal(value, after[name]), name
    assert len(same) == len(one.plan.modules)


STILL = (
    "{card: transform, rev: 1, about: The identity as a rotation., impl: rot, "
    "params: {degrees: [0.0, 0.0]}}"
)
WIDTHS = {
    "vicreg": "embed.width={}",
    "simclr": "embed.width={}",
    "barlow_twins": "embed.width={}",
    "mocov3": "embed.width={}",
    "dino": "trunk.widths=[24, {}]",
    "ibot": "prototypes.width={}",
    "dinov2": "trunk.widths=[24, {}]",
}

MATRIX_BY_MATRIX = {"barlow_twins"}
"""Trained by LARS, which scales a matrix's step by its norm, the rows that are not trained too."""

ROW_BY_ROW = "{impl: adamw, params: {lr: 1.0e-3, weight_decay: 0.1}}"


def trained(method: str, *, equivariance: str, width: int) -> Iterator[tuple[Program, Stepped]]:
    """The first three steps of a training on fake images, with the real engine."""
    text = toy_text(method, equivariance=equivariance, extra='machine: {compile: "off"}')
    overrides = [f"method.with.{WIDTHS[method].format(width)}"]
    overrides += [f"train.optimizer={ROW_BY_ROW}"] if method in MATRIX_BY_MATRIX else []
    plan: Plan = plan_of(parse_spec(text, path=Path("toy.yaml"), overrides=overrides))
    program = build_program(plan, dataset=FakeImages(count=plan.data.count))
    steps = (event for event in train(program, until=3) if isinstance(event, Stepped))
    return ((program, step) for step in steps)


@pytest.mark.parametrize("method", WIDTHS)
def test_a_rewrite_without_weight_trains_the_narrower_base(method: str) -> None:
    """Bit for bit: λ = 0 on the identity's path, and the base whose embedding is d_inv wide.

    Widths are multiples of what a CPU sums at once, else torch adds up a bias's gradient in another
    order for another width. Under LARS it cannot hold, so Barlow Twins is trained by AdamW here.
    """
    rewrite = f"{{use: intermediate-reconstruction, transform: {STILL}, lambda: 0.0}}"
    ours = trained(method, equivariance=rewrite, width=128)
    base = trained(method, equivariance="none", width=64)
    for (one, step), (other, of_base) in zip(ours, base, strict=True):
        shared = {"loss", "lr", *one.graph.terms} - {"recon"}
        assert {n: step.metrics[n] for n in shared} == {n: of_base.metrics[n] for n in shared}
        wide = dict(one.graph.named_parameters())
        for name, narrow in other.graph.named_parameters():
            part = tuple(slice(size) for size in narrow.shape)
            assert torch.equal(wide[name][part], narrow), (name, step.step)
            if narrow.grad is not None:
                assert torch.equal(wide[name].grad[part], narrow.grad), (name, step.step)


def test_every_method_is_tried() -> None:
    assert {method for method, _ in COMPOSITIONS.values()} == set(SMALL)
    assert len(COMPOSITIONS) == len(SMALL) + sum(len(SUITED[name]) for name in REWRITES)
