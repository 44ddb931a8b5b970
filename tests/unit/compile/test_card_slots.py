"""The table of places where a spec may name a card is whole, and enough for a new place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from eqspec.compile.lookup import card_slots
from eqspec.compile.lookup.card_slots import CARD_SLOTS, EACH, CardSlot, location_of, value_at
from eqspec.compile.lookup.look_up import Lookup, look_up
from eqspec.compile.lookup.provenance import origin
from eqspec.compile.lookup.resolve import resolve
from eqspec.compile.resolved_spec import resolved_spec
from eqspec.registry.cards import BackboneCard, EvaluationCard
from eqspec.registry.catalog import open_catalog
from eqspec.spec.load import parse_spec
from eqspec.spec.model import Spec
from eqspec.spec.node import KeyPath
from eqspec.spec.source import read_yaml
from eqspec.spec.use import CardBody
from tests.toy_specs import toy_text


def parts(annotation: object) -> Iterator[object]:
    """An annotation and everything inside it."""
    yield annotation
    for inner in get_args(annotation):
        yield from parts(inner)


def card_fields(model: type[BaseModel], above: KeyPath = ()) -> Iterator[KeyPath]:
    """Paths of all fields of a model that take the body of a card."""
    for name, field in model.model_fields.items():
        inside = list(parts(field.annotation))
        path = (*above, field.alias or name, *((EACH,) if Ellipsis in inside else ()))
        if CardBody in inside:
            yield path
        for inner in inside:
            if isinstance(inner, type) and issubclass(inner, BaseModel) and inner is not CardBody:
                yield from card_fields(inner, path)


def body(slot: CardSlot) -> KeyPath:
    return (*slot.path, "use") if slot.under_use else slot.path


def test_every_field_of_the_schema_that_takes_a_card_has_a_row() -> None:
    in_spec = {body(slot) for slot in CARD_SLOTS if slot.within is None}
    assert in_spec == set(card_fields(Spec))


def test_every_card_within_a_card_has_a_row() -> None:
    (evaluation,) = (slot for slot in CARD_SLOTS if slot.name == "evaluate[*]")
    within = {slot.path for slot in CARD_SLOTS if slot.within == evaluation.name}
    assert within == {(*body(evaluation), *path) for path in card_fields(EvaluationCard)}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("backbone", "params", "depth"), "backbone"),
        (("equivariance", "use", "cut"), "equivariance"),
        (("equivariance", "transform", "params"), "transform"),
        (("evaluate", 2, "use", "data", "name"), "evaluate[2]"),
        (("equivariance", "lambda"), None),
        (("evaluate", 2, "at"), None),
        (("evaluate",), None),
        (("train", "batch"), None),
    ],
)
def test_a_path_belongs_to_the_card_whose_body_holds_it(path: KeyPath, name: str | None) -> None:
    location = location_of(path)
    assert (None if location is None else location.name) == name


def test_one_row_is_enough_for_a_new_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second backbone: found, checked, written into the resolved spec, its origin known."""
    row = CardSlot("second", BackboneCard, ("machine", "second"))
    monkeypatch.setattr(card_slots, "CARD_SLOTS", (*CARD_SLOTS, row))

    def looked_up(changes: str) -> Lookup:
        extra = f"machine: {{second: {{use: vit_micro_patch8, with: {{{changes}}}}}}}"
        return look_up(read_yaml(toy_text("vicreg", extra=extra), name="spec.yaml"), open_catalog())

    (problem,) = looked_up("depht: 3").problems
    assert problem.message == "unknown key `machine.second.with.depht`"

    spec = parse_spec(toy_text("vicreg"), path=Path("spec.yaml")).spec  # has no such field
    resolved = resolve(looked_up("depth: 3"), spec, name="spec")
    assert resolved.lookup.calls["second"].given["depth"] == 3
    assert origin(resolved, ("machine", "second", "params", "depth")).kind == "spec"
    assert origin(resolved, ("machine", "second", "params", "patch")).kind == "card"
    written = value_at(resolved_spec(resolved), ("machine", "second", "params", "depth"))
    assert written == 3
