"""A value has one name where it is written: errors use it, and `explain` takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.commands.check import check
from eqspec.commands.explain.lookup import explain_all, explain_value
from eqspec.compile.lookup.overrides import override_of, override_paths
from eqspec.errors import Diagnostic, SpecError
from eqspec.registry.cards import FAMILIES
from eqspec.registry.catalog import open_catalog

SPEC = """\
schema: 1
data: {use: photos}
augment: {use: photos_light}
backbone: {use: vit_micro_patch8}
method: {use: vicreg, with: {embed.width: 64, projector.widths: [64, 64]}}
equivariance: {use: intermediate-reconstruction, transform: {use: rot}, split: 0.5}
train: {length: 20 steps, batch: 64}
evaluate: [{use: r2, at: end, with: {epochs: 2}}]
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return path


def refused(spec: Path, *overrides: str) -> Diagnostic:
    with pytest.raises(SpecError) as caught:
        check(spec, overrides=overrides)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


@pytest.mark.parametrize(
    ("override", "name"),
    [
        ("backbone.with.depth=-1", "backbone.with.depth"),
        ("backbone.with.dept=1", "backbone.with.dept"),
        ("data.with.tile=-1", "data.with.tile"),
        ("method.with.embed.width=-1", "method.with.embed.width"),
        ("method.with.variance.weight=-1", "method.with.variance.weight"),
        ("method.with.recipe.clip={norm: 0}", "method.with.recipe.clip.norm"),
        ("equivariance.with.recon.weight=-1", "equivariance.with.recon.weight"),
        ("equivariance.with.decoder_k.width=-1", "equivariance.with.decoder_k.width"),
        ("equivariance.transform.with.degrees=3", "equivariance.transform.with.degrees"),
        ("augment.with.global.size=0", "augment.with.global.size"),
        ("evaluate.0.with.epochs=-1", "evaluate[0].with.epochs"),
        ("train.optimizer={impl: adamw, params: {}}", "train.optimizer.params.lr"),
    ],
)
def test_an_error_calls_a_value_what_it_was_called(spec: Path, override: str, name: str) -> None:
    diagnostic = refused(spec, override)
    assert f"`{name}`" in diagnostic.message
    assert diagnostic.location is not None
    assert diagnostic.location.file == "<cli>:--set #1"


def test_in_the_spec_as_with_set(spec: Path) -> None:
    spec.write_text(SPEC.replace("epochs: 2", "epochs: -2"))
    diagnostic = refused(spec)
    assert "`evaluate[0].with.epochs`" in diagnostic.message
    assert str(diagnostic.location).endswith("spec.yaml:8:46")


BODY = "{card: backbone, rev: 1, about: Written in place., impl: vit, params: "


def test_a_body_in_place_is_called_by_its_own_path(spec: Path) -> None:
    body = f"backbone={BODY}{{patch: 8, width: 32, depth: -1, heads: 2}}}}"
    assert "`backbone.params.depth`" in refused(spec, body).message
    body = body.replace("-1", "1")
    assert "`backbone.params.depth`" in refused(spec, body, "backbone.params.depth=-1").message


def test_a_mistake_of_a_card_is_called_by_the_card_s_path(spec: Path) -> None:
    cards = spec.parent / "registry" / "backbones"
    cards.mkdir(parents=True)
    text = f"{BODY}{{patch: 8, width: 32, depth: -1, heads: 2}}}}"
    (cards / "mine.yaml").write_text(text)
    spec.write_text(SPEC.replace("vit_micro_patch8", "mine"))
    diagnostic = refused(spec)
    assert "`backbone.params.depth`" in diagnostic.message
    assert diagnostic.location is not None
    assert diagnostic.location.file.endswith("mine.yaml")


def test_of_two_that_do_not_fit_the_one_that_was_set_is_shown(spec: Path) -> None:
    diagnostic = refused(spec, "backbone.with.heads=5")
    assert "`backbone.with.heads`: heads = 5 does not divide width = 128" in diagnostic.message
    assert str(diagnostic.location) == "<cli>:--set #1:1:21"
    ((card, label),) = diagnostic.also
    assert card.file.endswith("vit_micro_patch8.yaml")
    assert label == "`width` is set here"


def test_with_both_set_the_second_place_is_where_the_other_was(spec: Path) -> None:
    overrides = ("backbone.with.width=36", "backbone.with.heads=8")
    diagnostic = refused(spec, *overrides)
    assert {diagnostic.location.file, diagnostic.also[0][0].file} == {  # type: ignore[union-attr]
        "<cli>:--set #1",
        "<cli>:--set #2",
    }


@pytest.mark.parametrize(
    "names",
    [
        ("backbone.with.depth", "backbone.params.depth", "backbone.depth"),
        ("method.with.embed.width", "method.modules.embed.params.width"),
        ("method.with.variance.weight", "method.terms.variance.weight"),
        ("equivariance.with.recon.weight", "equivariance.use.add.terms.recon.weight"),
        ("equivariance.transform.with.degrees", "transform.params.degrees"),
        ("evaluate[0].with.epochs", "evaluate.0.params.epochs", "evaluate[0].use.params.epochs"),
        ("backbone.with.mlp_ratio", "backbone.params.mlp_ratio"),
    ],
)
def test_every_name_of_a_value_is_explained_alike(spec: Path, names: tuple[str, ...]) -> None:
    first, *others = (explain_value(spec, name) for name in names)
    assert first.value is not None
    for page in others:
        assert (page.value, page.origin, page.about) == (first.value, first.origin, first.about)


def test_what_is_listed_can_be_asked_for(spec: Path) -> None:
    for leaf in explain_all(spec):
        if leaf.path.endswith((".name", "[0].with")) or ".families." in leaf.path:
            continue  # made by the compiler
        page = explain_value(spec, leaf.path)
        if leaf.value == "null":  # the recipe of the method is shown
            continue
        assert page.value == leaf.value
        assert str(page.origin) == str(leaf.origin)


@pytest.mark.parametrize(
    ("family", "name", "key"),
    [
        ("methods", "ibot", "trunk.widths"),
        ("methods", "ibot", "cls.weight"),
        ("methods", "ibot", "teacher.momentum"),
        ("methods", "ibot", "mask.min_patches"),
        ("methods", "ibot", "recipe.clip.norm"),
        ("equivariance", "sie", "equi_variance.weight"),
        ("equivariance", "sie", "equi_predictor.bias"),
        ("equivariance", "e-ssl", "turned.share"),
        ("augmentations", "all", "global.size"),
        ("evaluations", "linear-probe", "data"),
        ("backbones", "vit_tiny_patch16", "depth"),
    ],
)
def test_a_path_on_a_card_is_the_override_that_leads_there(
    family: str, name: str, key: str
) -> None:
    card = open_catalog().card(FAMILIES[family], name)
    for path in override_paths(card, key):
        assert override_of(card, path) == tuple(key.split("."))
