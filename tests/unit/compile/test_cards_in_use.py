"""What `use:` and `with:` in a spec make of a card."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.compile.lookup.cards import card_in_use
from eqspec.compile.lookup.overrides import overridable, override_path
from eqspec.errors import Diagnostic, SpecError
from eqspec.registry.cards import FAMILIES, DatasetCard, MethodCard
from eqspec.registry.catalog import Card, open_catalog
from eqspec.spec.source import read_yaml

CATALOG = open_catalog()


def in_use(text: str, *, family: str = "methods") -> Card:
    """The card that a spec of one line means."""
    source = read_yaml(f"it: {text}", name="spec.yaml")
    return card_in_use(CATALOG, source, ("it",), kind=FAMILIES[family])


def refused(text: str, *, family: str = "methods") -> Diagnostic:
    with pytest.raises(SpecError) as caught:
        in_use(text, family=family)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


PATHS = {
    ("methods", "ibot", "trunk.widths"): ("modules", "trunk", "params", "widths"),
    ("methods", "ibot", "cls.weight"): ("terms", "cls", "weight"),
    ("methods", "ibot", "cls.centre"): ("terms", "cls", "params", "centre"),
    ("methods", "ibot", "mask.min_patches"): ("inputs", "mask", "params", "min_patches"),
    ("methods", "ibot", "teacher.momentum"): ("teachers", "teacher", "momentum"),
    ("methods", "ibot", "local.count"): ("views", "local", "count"),
    ("methods", "ibot", "recipe.clip.norm"): ("recipe", "clip", "norm"),
    ("equivariance", "sie", "equi_predictor.bias"): (
        *("add", "modules", "equi_predictor", "params", "bias"),
    ),
    ("equivariance", "e-ssl", "turned.share"): ("add", "views", "turned", "share"),
    ("equivariance", "sie", "equi_variance.weight"): (
        *("either", "regularised", "1", "add", "terms", "equi_variance", "weight"),
    ),
    ("equivariance", "sie", "equivariance.weight"): ("add", "terms", "equivariance", "weight"),
    ("augmentations", "all", "global.size"): ("groups", "global", "size"),
    ("backbones", "vit_tiny_patch16", "depth"): ("params", "depth"),
    ("transforms", "rot", "degrees"): ("params", "degrees"),
}


@pytest.mark.parametrize("key", PATHS, ids=" ".join)
def test_an_override_goes_where_its_name_says(key: tuple[str, str, str]) -> None:
    family, name, dotted = key
    card = CATALOG.card(FAMILIES[family], name)
    assert override_path(card, dotted) == PATHS[key]
    assert family not in {"methods", "equivariance"} or dotted.split(".")[0] in overridable(card)


def test_a_part_of_several_alternatives_is_overridden_in_each() -> None:
    """Which of them a method takes is not known where the card is read."""
    text = "{use: sie, with: {equi_projector.widths: [8, 4], drop: [koleo]}}"
    card = in_use(text, family="equivariance")
    ways = card.body["either"]["projector"]
    params = [way["add"]["modules"]["equi_projector"]["params"] for way in ways]
    assert params == [
        {"widths": [8, 4]},
        {"widths": [8, 4], "norm": "batch", "last_bias": False},
    ]
    assert card.body["drop"] == ["koleo"]


def test_overrides_are_carried_out_and_remember_where_they_stand() -> None:
    card = in_use("{use: ibot, with: {trunk.widths: [8, 4], recipe.rules.1.freeze: 2 epochs}}")
    modules, recipe = card.body["modules"], card.body["recipe"]
    assert modules["trunk"]["params"]["widths"] == [8, 4]
    assert modules["trunk"]["params"]["activation"] == "gelu"
    assert recipe["rules"][1] == {"match": "prototypes", "freeze": "2 epochs"}
    assert card.source.key(("modules", "trunk", "params", "widths")).file == "spec.yaml"
    assert card.source.key(("modules", "trunk")).file.endswith("ibot.yaml")
    assert CATALOG.card(MethodCard, "ibot").body["modules"]["trunk"]["params"]["widths"][0] == 2048


def test_a_body_is_allowed_in_place_of_a_name() -> None:
    body = "{card: transform, rev: 3, about: Turns a bit., impl: rot, params: {degrees: [0, 1]}}"
    assert in_use(body, family="transforms").name == "inline-transforms"
    named = in_use(body.replace("rev", "name: tiny, rev"), family="transforms")
    assert named.name == "tiny"
    assert named.model.rev == 3


BAD = {
    "no such card": ("{use: vicrge}", "no card `vicrge`", "did you mean `vicreg`?"),
    "no such part": ("{use: vicreg, with: {embd.width: 3}}", "no part `embd`", "mean `embed`?"),
    "through a value": (
        "{use: vicreg, with: {invariance.weight.x: 3}}",
        "`terms.invariance.weight` is `25.0`, which has no part `x`",
        "there are: ",
    ),
    "past a list": (
        "{use: ibot, with: {recipe.rules.7.freeze: 1 epochs}}",
        "`recipe.rules` is a list without an entry `7`",
        "there are: ",
    ),
    "an empty part": ("{use: vicreg, with: {embed..width: 3}}", "is not a path", "there are: "),
    "not of this family": (
        "{card: method, rev: 1, about: A body without all the rest.}",
        "missing",
        "",
    ),
}


@pytest.mark.parametrize(("text", "expected", "help_"), BAD.values(), ids=BAD)
def test_what_does_not_fit_is_explained(text: str, expected: str, help_: str) -> None:
    if expected == "missing":
        with pytest.raises(SpecError, match=expected):
            in_use(text)
        return
    diagnostic = refused(text)
    assert expected in diagnostic.message
    assert help_ in (diagnostic.help or "")
    assert diagnostic.location is not None
    assert diagnostic.location.file == "spec.yaml"


def test_all_wrong_overrides_are_reported_together() -> None:
    with pytest.raises(SpecError) as caught:
        in_use("{use: vicreg, with: {embd.width: 3, projektor.widths: [3]}}")
    assert len(caught.value.diagnostics) == 2


def test_this_file_reads_only_what_ships() -> None:
    assert all(root.is_dir() for root in CATALOG.roots)
    assert Path(CATALOG.roots[0]).name in {"registry", "_registry"}


def test_a_card_of_another_family_is_refused() -> None:
    card: Card = CATALOG.card(MethodCard, "vicreg")
    assert card.of(MethodCard) is card
    assert card.family == "methods"
    with pytest.raises(TypeError, match="`vicreg` is a card of `methods`, not `datasets`"):
        card.of(DatasetCard)


PARTS = """\
{card: dataset, rev: 1, name: in-parts, about: A dataset with a part without labels., impl: cifar,
 params: {classes: 10}, facts: {count: 50, classes: 10, mean: [.5, .5, .5], std: [.2, .2, .2]},
 parts: {unlabelled: {params: {classes: 100}, facts: {count: 900, classes: 0}}}}
"""


def with_part(overrides: str) -> str:
    return f"{{use: {PARTS.strip()}, with: {overrides}}}".replace("\n", " ")


def test_a_part_of_a_dataset_has_its_own_parameters_and_facts() -> None:
    whole = in_use(PARTS.replace("\n", " "), family="datasets")
    part = in_use(with_part("{part: unlabelled, download: true}"), family="datasets")
    assert (whole.model.facts.count, whole.model.facts.classes) == (50, 10)
    assert (part.model.facts.count, part.model.facts.classes) == (900, 0)
    assert part.model.params == {"classes": 100, "download": True}
    assert part.model.facts.mean == whole.model.facts.mean
    assert part.name == whole.name == "in-parts"
    assert "part" in overridable(whole)
    assert "part" not in overridable(CATALOG.card(DatasetCard, "cifar10"))


def test_an_override_stands_above_the_values_of_a_part() -> None:
    part = in_use(with_part("{classes: 10, part: unlabelled}"), family="datasets")
    assert part.model.params == {"classes": 10}


def test_a_part_that_a_dataset_does_not_have_is_refused() -> None:
    diagnostic = refused(with_part("{part: unlabeled}"), family="datasets")
    assert diagnostic.message == "`in-parts` has no part `unlabeled`"
    assert "its parts are unlabelled" in (diagnostic.help or "")
