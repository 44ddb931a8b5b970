"""What a rewrite does to a method's graph, and which pairs it refuses, where and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.compile.graph.build import fractions
from eqspec.compile.types.plan import Plan
from eqspec.errors import Diagnostic, SpecError
from eqspec.spec.load import parse_spec
from eqspec.spec.model import EquivarianceSpec
from tests.toy_specs import (
    CUTTABLE,
    PATH,
    REWRITES,
    SIE,
    SMALL,
    SUITED,
    load_toy,
    plan_of,
    toy_plan,
    toy_text,
)

REFUSED = [
    (method, rewrite)
    for name, rewrite in REWRITES.items()
    for method in SMALL
    if method not in SUITED[name]
]
REASONS = {
    "mae": "MAE sees one view, so nothing lies between two of them",
    "ijepa": "I-JEPA sees one view, so nothing lies between two of them",
}


def problem_of(method: str, *, equivariance: str, overrides: tuple[str, ...] = ()) -> Diagnostic:
    """What is wrong with a toy spec."""
    text = toy_text(method, equivariance=equivariance)
    with pytest.raises(SpecError) as caught:
        plan_of(parse_spec(text, path=Path(f"{method}.yaml"), overrides=overrides))
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def streams_of(plan: Plan) -> set[str]:
    return {node.out for node in (*plan.graph.encode, *plan.graph.loss)}


@pytest.mark.parametrize(("method", "rewrite"), REFUSED)
def test_a_pair_that_does_not_fit_is_refused_at_the_specs_own_line(
    method: str, rewrite: str
) -> None:
    diagnostic = problem_of(method, equivariance=rewrite)
    lacking = "this rewrite needs the term `invariance`, `variance`, `covariance`"
    if method == "vicreg_pooled":
        lacking = "the rewrite reads what the step `color` draws, but `whole` has no such step"
    if rewrite.startswith("{use: care"):
        lacking = "this rewrite needs the module `projector`, which the method does not have"
    reason = REASONS.get(method, lacking)
    assert diagnostic.message.startswith(reason)
    assert str(diagnostic.location) == f"{method}.yaml:6:1"
    assert diagnostic.location is not None
    assert diagnostic.location.excerpt == f"equivariance: {rewrite}"


@pytest.mark.parametrize("method", ["mae", "ijepa", "mocov3"])
def test_the_refused_are_legal_without(method: str) -> None:
    assert toy_plan(method).graph.split is None


@pytest.mark.parametrize("method", CUTTABLE)
def test_every_application_of_the_embedding_is_cut(method: str) -> None:
    """The teacher's copies and the local crops too: all that follows sees d_inv features."""
    graph = toy_plan(method, equivariance=PATH).graph
    applied = [n for n in graph.loss if n.kind == "apply" and n.module == graph.embedding]
    assert all(node.out.endswith(".whole") for node in applied)
    for node in applied:
        assert graph.streams[node.out].size("D") == 32
        inv = graph.streams.get(node.out.removesuffix(".whole"))  # may be dead
        assert inv is None or inv.size("D") == 16
    assert graph.streams["equi_pair"].axes == ("B", "N", "D")
    assert graph.streams["equi_pair"].size("D") == 32


@pytest.mark.parametrize("method", CUTTABLE)
def test_the_encoder_is_cut_below_the_embedding(method: str) -> None:
    """Its tokens, the teacher's copies and the local crops too, in place of the embedding."""
    graph = toy_plan(method, equivariance=REWRITES["path-encoder"]).graph
    encoders = {m.name for m in graph.modules if m.family == "backbones"}
    assert graph.embedding in encoders
    assert graph.split == (16, 16)
    applied = [n for n in graph.encode if n.kind == "apply"]
    assert applied
    for node in applied:
        assert node.out.endswith(".whole")
        assert graph.streams[node.out].size("D") == 32
        parts = [n for n in graph.loss if n.kind == "slice" and n.of == node.out]
        assert parts
        assert all(graph.streams[part.out].size("D") == 16 for part in parts)
    assert not [n for n in graph.loss if n.kind == "slice" and not n.of.endswith(".whole")]
    assert graph.streams["equi_pair"].size("D") == 32


def test_an_encoder_cannot_be_cut_to_nothing() -> None:
    rewrite = PATH.replace("split: 0.5", "d_equi: 32, with: {cut: encoder}")
    problem = problem_of("vicreg", equivariance=rewrite)
    assert problem.help == "the encoder has 32 features: choose between 1 and 31"
    assert problem.location is not None
    wrong = problem_of("vicreg", equivariance=PATH[:-1] + ", with: {cut: projector}}")
    assert "encoder" in str(wrong)


def test_what_only_a_rewrite_reads_is_dead_without_it() -> None:
    """DINOv2 applies its trunk to all patches for the decoders' sake alone."""
    assert "hidden" not in streams_of(toy_plan("dinov2"))
    rewritten = toy_plan("dinov2", equivariance=PATH)
    assert {"hidden.whole", "hidden.equi"} <= streams_of(rewritten)
    assert "hidden" not in streams_of(rewritten), "nobody reads the invariant part of all patches"


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ("1", (1 / 2,)),
        ("2", (1 / 3, 2 / 3)),
        ("3", (1 / 4, 2 / 4, 3 / 4)),
        ("2+final", (1 / 3, 2 / 3, 1.0)),
    ],
)
def test_a_decoder_for_every_image_between(images: str, expected: tuple[float, ...]) -> None:
    plan = toy_plan("vicreg", equivariance=PATH[:-1] + f", images: {images}}}")
    decoders = [m.name for m in plan.graph.modules if m.family == "decoders"]
    assert decoders == [f"decoder_{k}" for k in range(1, len(expected) + 1)]
    assert plan.views.path is not None
    assert plan.views.path.fractions == expected
    assert plan.graph.streams["between"].size("K") == len(expected)
    assert plan.graph.streams["made"] == plan.graph.streams["between"]


def test_fractions_divide_the_path_evenly() -> None:
    spec = EquivarianceSpec.model_validate({"use": "x", "transform": {"use": "y"}})
    assert fractions(spec) == (1 / 3, 2 / 3)


def test_sie_needs_no_images_between() -> None:
    plan = toy_plan("vicreg", equivariance=SIE)
    assert plan.views.path is not None
    assert plan.views.path.fractions == ()
    assert "between" not in plan.graph.streams
    assert plan.graph.streams["actions"].size("A") == 2
    assert plan.graph.added == ("equivariance", "predicted_variance")
    reads = {t.name: t.ports["x"] for t in plan.graph.terms}
    assert reads["variance"] == reads["covariance"] == "whole"
    assert reads["invariance"] == "p"
    assert plan.graph.streams["whole"].size("D") == 48


@pytest.mark.parametrize(
    ("size", "split"), [("split: 0.25", (24, 8)), ("d_equi: 5", (27, 5)), ("", (16, 16))]
)
def test_the_embedding_is_split_as_the_spec_says(size: str, split: tuple[int, int]) -> None:
    rewrite = PATH.replace(", split: 0.5", f", {size}" if size else "")
    assert toy_plan("vicreg", equivariance=rewrite).graph.split == split


@pytest.mark.parametrize("size", ["d_equi: 32", "split: 0.99", "split: 0.01"])
def test_neither_side_is_left_empty(size: str) -> None:
    diagnostic = problem_of("vicreg", equivariance=PATH.replace("split: 0.5", size))
    assert "leaves one part empty" in diagnostic.message
    assert diagnostic.help == "the embedding has 32 features: choose between 1 and 31"
    assert diagnostic.location is not None
    excerpt = diagnostic.location.excerpt[diagnostic.location.column - 1 :]
    assert excerpt.startswith(size.split(":", maxsplit=1)[0])


PAPER = {
    ("ibot", "d_equi: 2048"): {"cls": 6144, "patch": 6144},
    ("ibot", None): {"cls": 8192, "patch": 8192},
    ("dinov2", "d_equi: 512"): {"cls": 65536, "patch": 65536},
    ("vicreg", "split: 0.5"): {},
}


@pytest.mark.parametrize(("method", "size"), PAPER)
def test_widths_follow_at_the_papers_size(method: str, size: str | None) -> None:
    """iBOT's centres shrink from 8192 to 6144; DINOv2's bottleneck reads 1536 of 2048."""
    rewrite = "none" if size is None else PATH.replace("split: 0.5", size)
    text = f"""\
schema: 1
data: {{use: photos}}
image: 224
backbone: {{use: vit_small_patch16}}
method: {{use: {method}}}
equivariance: {rewrite}
train: {{length: 1 epochs, batch: 64}}
"""
    graph = plan_of(parse_spec(text, path=Path("paper.yaml"))).graph
    teachers = {t.name: t.inputs["teacher"].size("D") for t in graph.terms if "teacher" in t.inputs}
    assert teachers == PAPER[method, size]
    modules = {m.name: m for m in graph.modules}
    if size is None:
        return
    assert (
        graph.split == {"ibot": (6144, 2048), "dinov2": (1536, 512), "vicreg": (256, 256)}[method]
    )
    if method == "dinov2":
        assert modules["bottleneck"].inputs["x"].size("D") == 1536
    if method == "vicreg":
        assert modules["projector"].inputs["x"].size("D") == 256
    d_equi = graph.split[1]
    assert modules["decoder_1"].inputs["x"].shape(batch=1) == (1, 196, 2 * d_equi)


def test_a_rewrites_own_numbers_can_be_replaced() -> None:
    rewrite = SIE[:-1] + ", with: {equivariance.weight: 9.0, equi_predictor.bias: true}}"
    graph = toy_plan("vicreg", equivariance=rewrite).graph
    assert {t.name: t.weight for t in graph.terms}["equivariance"] == 9.0
    assert {m.name: m.params for m in graph.modules}["equi_predictor"]["bias"] is True
    diagnostic = problem_of(
        "vicreg", equivariance=SIE[:-1] + ", with: {equi_predicter.bias: true}}"
    )
    assert diagnostic.help is not None
    assert diagnostic.help.startswith("did you mean `equi_predictor`?")


def test_a_transform_without_a_path_is_refused() -> None:
    flip = "{card: transform, rev: 1, about: A flip has no half., impl: flip}"
    diagnostic = problem_of("vicreg", equivariance=PATH.replace("{use: rot}", flip))
    assert diagnostic.message == "`flip` has no path from the identity to itself"
    assert diagnostic.location is not None
    assert diagnostic.location.excerpt[diagnostic.location.column - 1 :].startswith("transform:")


def test_a_reduction_by_variance_needs_the_datas_variance() -> None:
    rewrite = PATH[:-1] + ", reduction: mean-over-variance}"
    graph = toy_plan("vicreg", equivariance=rewrite).graph
    recon = next(t for t in graph.terms if t.name == "recon")
    assert recon.params == {"reduction": "mean-over-variance", "variance": 0.0646}
    facts = "facts: {count: 64, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2]}"
    data = f"{{card: dataset, rev: 1, about: No variance., impl: photos, {facts}}}"
    text = toy_text("vicreg", equivariance=rewrite).replace("{use: photos}", data)
    with pytest.raises(SpecError, match="promises no pixel variance") as caught:
        plan_of(parse_spec(text, path=Path("x.yaml")))
    location = caught.value.diagnostics[0].location
    assert location is not None
    assert location.excerpt[location.column - 1 :].startswith("reduction:")


CLASHES = {
    "module": {"modules": {"decoder_1": {"impl": "linear", "params": {"width": 2}}}},
    "stream": {"flow": {"made": {"detach": "z"}}},
    "term": {"terms": {"recon": {"impl": "variance", "x": "p", "weight": 1.0}}},
    "part": {"flow": {"equi": {"detach": "z"}}},
}


@pytest.mark.parametrize("what", CLASHES)
def test_a_rewrite_replaces_nothing_by_accident(what: str) -> None:
    overrides = tuple(
        f"method.{section}.{name}={value}"
        for section, more in CLASHES[what].items()
        for name, value in more.items()
    )
    inline = load_toy("vicreg")
    resolved = plan_of(inline).resolved
    text = toy_text("vicreg", equivariance=PATH).replace(
        "method: {use: vicreg, with: {embed.width: 32, projector.widths: [24, 24, 24]}}",
        f"method: {resolved['method']}".replace("None", "null").replace("False", "false"),
    )
    with pytest.raises(SpecError, match="the method already has the"):
        plan_of(parse_spec(text, path=Path("x.yaml"), overrides=overrides))
