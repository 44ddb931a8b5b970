"""A rewrite's settings are told from its wiring: what it reads is asked for, others are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.compile.lookup.alternatives import carried_out
from eqspec.compile.lookup.look_up import look_up
from eqspec.compile.lookup.rewrite_inputs import settings_unread, streams_read, transform_needed
from eqspec.compile.rules.spec import across_cards
from eqspec.compile.types.error import GraphError
from eqspec.errors import Diagnostic, SpecError
from eqspec.registry.cards import EquivarianceCard, MethodCard
from eqspec.registry.catalog import open_catalog
from eqspec.spec.load import parse_spec, read_spec_text
from tests.toy_specs import (
    CUTTABLE,
    RECORDED_REWRITES,
    REWRITES,
    SUITED,
    load_toy,
    plan_of,
    toy_plan,
    toy_text,
)

CATALOG = open_catalog()
READ = {
    "intermediate-reconstruction": {
        *("transform", "border", "split", "d_equi", "images", "lambda", "reduction"),
    },
    "sie": {"transform", "border", "split", "d_equi"},
    "sie-no-var": {"transform", "border", "split", "d_equi"},
    "sie-only-equi": {"transform", "border"},
    "cross-attention-reconstruction": {
        *("transform", "border", "split", "d_equi", "lambda", "reduction"),
    },
    "e-ssl": set[str](),
    "equimod": {"lambda"},
    "augself": set[str](),
    "care": set[str](),
    "ser": set[str](),
    "stl": set[str](),
}
VALUES = {
    "transform": "{use: rot}",
    "border": "zeros",
    "split": "0.5",
    "d_equi": "4",
    "images": "3",
    "lambda": "2.0",
    "reduction": "sum-per-image",
}


def rewrite(name: str, *, method: str = "vicreg_sie") -> EquivarianceCard:
    """The card as it is carried out on a method."""
    card, on = CATALOG.card(EquivarianceCard, name).model, CATALOG.card(MethodCard, method).model
    assert isinstance(card, EquivarianceCard)
    assert isinstance(on, MethodCard)
    return carried_out(card, on)


def problems_of(text: str) -> tuple[Diagnostic, ...]:
    """What the rules of `check` say of a spec."""
    evaluated = read_spec_text(text, path=Path("spec.yaml")).own
    found = look_up(evaluated.source, CATALOG)
    return (*found.problems, *across_cards(found))


def with_setting(name: str, key: str, *, method: str = "vicreg_sie") -> str:
    """A toy spec of a rewrite with one setting more, and the transform where it needs one."""
    written = {key: VALUES[key]}
    if transform_needed(rewrite(name)):
        written = {"transform": VALUES["transform"], **written}
    asked = ", ".join(f"{k}: {v}" for k, v in written.items())
    return toy_text(method, equivariance=f"{{use: {name}, {asked}}}")


@pytest.mark.parametrize("name", READ)
def test_what_a_rewrite_reads(name: str) -> None:
    assert set(VALUES) - set(settings_unread(rewrite(name), transform="drawn")) == READ[name]


def test_what_is_stored_of_a_pair_moves_no_pixels() -> None:
    """It tells SIE the action, has no border, and leaves what cross-attention redraws as it is."""
    assert {"transform"} == {"transform", "border"} - set(
        settings_unread(rewrite("sie"), transform="stored")
    )
    unread = settings_unread(rewrite("cross-attention-reconstruction"), transform="stored")
    assert {"transform", "border"} <= set(unread)


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("key", VALUES)
def test_a_setting_is_read_or_refused(name: str, key: str) -> None:
    problems = [d for d in problems_of(with_setting(name, key)) if d.code == "EQ022"]
    if key == "border" and name == "cross-attention-reconstruction":
        (problem,) = problems  # it may do without a transform, and then there is no border
        assert "no transform changes a view" in problem.message
    elif key in READ[name]:
        assert problems == []
    else:
        (problem,) = problems
        assert problem.message.startswith(f"`{name}` does not read `{key}`: ")
        assert problem.location is not None
        assert problem.location.excerpt[problem.location.column - 1 :].startswith(key)
        assert problem.help == f"delete `{key}`, or choose another rewrite"


@pytest.mark.parametrize(
    ("name", "stream"),
    [("intermediate-reconstruction", "between"), ("sie", "actions"), ("sie-only-equi", "actions")],
)
def test_a_transform_is_asked_for_where_it_is_read(name: str, stream: str) -> None:
    text = toy_text("vicreg_sie", equivariance=f"{{use: {name}}}")
    (problem,) = problems_of(text)
    assert problem.code == "EQ002"
    assert problem.message == f"`{name}` reads `{stream}`, so it needs a transform"
    assert str(problem.location) == "spec.yaml:6:1"
    ((where, label),) = problem.also
    assert where.file.endswith(f"{name}.yaml")
    assert stream in where.excerpt or "recon:" in where.excerpt
    assert label == f"`{stream}` is read here"
    with pytest.raises(SpecError, match=f"reads `{stream}`, so it needs a transform"):
        plan_of(parse_spec(text, path=Path("spec.yaml")))


@pytest.mark.parametrize("name", ["e-ssl", "equimod", "augself", "cross-attention-reconstruction"])
def test_no_transform_is_asked_for_where_none_is_read(name: str) -> None:
    assert transform_needed(rewrite(name)) == ()
    fitting = ", with: {turned.size: 16}" if name == "e-ssl" else ""
    assert problems_of(toy_text("vicreg_sie", equivariance=f"{{use: {name}{fitting}}}")) == ()


@pytest.mark.parametrize("name", ["e-ssl", "equimod", "augself"])
def test_an_unread_transform_is_refused_by_the_compiler_too(name: str) -> None:
    """Where no rule was asked: it would move view 2, and nothing would tell."""
    text = REWRITES[name].replace("{use:", "{transform: {use: rot}, use:", 1)
    with pytest.raises(SpecError, match=f"`{name}` does not read `transform`"):
        toy_plan("vicreg", equivariance=text)


def test_a_transform_may_move_what_is_redrawn() -> None:
    text = REWRITES["cross-attention"].replace(", split", ", transform: {use: rot}, split")
    moved, still = (
        toy_plan("vicreg", equivariance=text),
        toy_plan("vicreg", equivariance=REWRITES["cross-attention"]),
    )
    assert (moved.views.path is None, still.views.path is None) == (False, True)
    assert moved.recipe != still.recipe


@pytest.mark.parametrize("name", RECORDED_REWRITES)
def test_a_resolved_spec_says_only_what_is_read(name: str) -> None:
    """And is a runnable spec again, with the same recipe."""
    first = toy_plan("vicreg_sie", equivariance=REWRITES[name])
    written = first.resolved["equivariance"]
    assert isinstance(written, dict)
    card = written["use"]["name"]  # type: ignore[index,call-overload]
    assert set(written) - {"use", "with"} <= READ[str(card)]
    assert (first.views.path is not None) == ("transform" in written)


def test_alternatives_follow_the_method() -> None:
    """The exact loss of SIE where its terms are there, terms of its own elsewhere."""
    exact, own = rewrite("sie"), rewrite("sie", method="ibot")
    assert exact.rewire == {"variance.x": "whole", "covariance.x": "whole"}
    assert {"equi_variance", "equi_covariance"}.isdisjoint(exact.add.terms)
    assert exact.add.modules["equi_projector"].like == "projector"
    assert own.rewire == {}
    assert {"equi_variance", "equi_covariance"} <= set(own.add.terms)
    assert own.add.modules["equi_projector"].params["widths"] == [1024, 1024, 1024]
    assert (exact.either, own.either) == ({}, {})
    between = rewrite("sie", method="mocov3")  # a projector, but no variance
    assert between.add.modules["equi_projector"].like == "projector"
    assert "equi_variance" in between.add.terms


def test_an_alternative_that_suits_nobody_says_what_is_lacking() -> None:
    card = CATALOG.card(EquivarianceCard, "sie").model
    method = CATALOG.card(MethodCard, "ibot").model
    assert isinstance(card, EquivarianceCard)
    assert isinstance(method, MethodCard)
    only = {name: ways[:1] for name, ways in card.either.items()}
    with pytest.raises(GraphError, match="it lacks the module `projector`") as caught:
        carried_out(card.model_copy(update={"either": only}), method)
    assert caught.value.path == ("either", "projector")


@pytest.mark.parametrize("method", ["mae", "ijepa"])
@pytest.mark.parametrize("name", REWRITES)
def test_one_view_and_no_embedding_carry_no_rewrite(method: str, name: str) -> None:
    with pytest.raises(SpecError, match="sees one view") as caught:
        plan_of(load_toy(method, equivariance=REWRITES[name]))
    assert str(caught.value.diagnostics[0].location) == f"{method}.yaml:6:1"


def test_a_step_that_the_augmentation_lacks_is_named() -> None:
    text = toy_text("vicreg", equivariance=REWRITES["augself"], extra="augment: {use: crop_flip}")
    with pytest.raises(SpecError) as caught:
        plan_of(parse_spec(text, path=Path("spec.yaml")))
    (problem,) = caught.value.diagnostics
    assert problem.message == (
        "the rewrite reads what the step `color` draws, "
        "but `crop_flip` has no such step in `global`"
    )
    assert problem.help == "choose another `augment`; this one draws crop, flip"
    assert problem.location is not None
    assert problem.location.excerpt == "augment: {use: crop_flip}"


@pytest.mark.parametrize("method", CUTTABLE)
def test_without_a_cut_the_method_keeps_its_embedding(method: str) -> None:
    base, rewritten = toy_plan(method), toy_plan(method, equivariance=REWRITES["equimod"])
    assert rewritten.graph.split is None
    assert rewritten.graph.embedding is None
    kept = {m.name: m.inputs for m in rewritten.graph.modules}
    assert all(kept[m.name] == m.inputs for m in base.graph.modules)
    encoded = "s" if method in {"dino", "ibot", "dinov2"} else "tokens"
    reads = {n.out: n.of for n in rewritten.graph.loss if n.kind == "select"}
    assert reads["seen_patches"] == encoded


def test_dropped_terms_leave_nothing_behind() -> None:
    """AugSelf alone, as the official `--ss-only`: what only VICReg reads is pruned."""
    drop = ", with: {drop: [invariance, variance, covariance]}}"
    plan = toy_plan("vicreg", equivariance="{use: augself" + drop)
    assert [t.name for t in plan.graph.terms] == ["crop", "color"]
    names = {m.name for m in plan.graph.modules}
    assert names == {"encoder", "crop_predictor", "color_predictor"}
    unknown = "{use: augself, with: {drop: [contrast]}}"
    with pytest.raises(SpecError, match="no term `contrast` that could be dropped"):
        toy_plan("vicreg", equivariance=unknown)


def test_a_misspelt_step_of_an_added_view_is_found_at_its_place() -> None:
    steps = "[{impl: flipp}]"
    changed = f"{{turned.size: 16, turned.steps: {steps}}}"
    text = toy_text("vicreg", equivariance=f"{{use: e-ssl, with: {changed}}}")
    (problem,) = problems_of(text)
    assert problem.code == "EQ010"
    assert problem.location is not None
    assert problem.location.excerpt[problem.location.column - 1 :].startswith("flipp")


def test_a_patch_that_does_not_fill_an_added_view_is_refused() -> None:
    (problem,) = problems_of(
        toy_text("vicreg", equivariance="{use: e-ssl}")
    )  # 14 of 32 pixels, patch 8
    assert (problem.code, problem.label) == ("EQ021", "14 / 8 is not a whole number")
    assert any(label == "the views of `turned`" for _, label in problem.also)


@pytest.mark.parametrize("name", REWRITES)
def test_reads_are_streams_of_the_graph(name: str) -> None:
    method = SUITED[name][0]
    card = CATALOG.card(EquivarianceCard, REWRITES[name].split(",")[0].removeprefix("{use: ")).model
    on = CATALOG.card(MethodCard, method).model
    assert isinstance(card, EquivarianceCard)
    assert isinstance(on, MethodCard)
    read = streams_read(carried_out(card, on))
    plan = toy_plan(method, equivariance=REWRITES[name]).graph
    aliases = {"inv", "equi", "embedded", "encoded", "image_k"}
    assert read - aliases <= set(plan.streams)
