"""What a spec names, found as far as it can be: its cards, their ops, and what is wrong with them.

Reads what was written rather than the validated spec, so that one pass finds everything, whatever
else is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import JsonValue

from eqspec.compile.lookup.cards import card_in_use, naming_of
from eqspec.compile.lookup.evaluation_data import judged_data
from eqspec.compile.lookup.op_calls import (
    WrittenCall,
    calls_of_cards,
    calls_of_training,
    is_absent,
)
from eqspec.errors import Diagnostic, EqspecError, SpecError
from eqspec.ops.contract.op import Op
from eqspec.ops.find import UnknownOp, family_of, find_op
from eqspec.ops.op import OpParams
from eqspec.registry.cards import AugmentationCard, EvaluationCard, MethodCard, TransformCard
from eqspec.registry.catalog import Card, Catalog, UnknownCard
from eqspec.spec.diagnose import Naming, by_path, validate_data
from eqspec.spec.node import KeyPath, plain
from eqspec.spec.source import Source
from eqspec.spec.use import is_bare

PLACES: Mapping[str, tuple[KeyPath, str]] = MappingProxyType(
    {
        "data": (("data",), "datasets"),
        "augment": (("augment",), "augmentations"),
        "backbone": (("backbone",), "backbones"),
        "method": (("method",), "methods"),
        "equivariance": (("equivariance",), "equivariance"),
        "transform": (("equivariance", "transform"), "transforms"),
    }
)
"""What a spec calls a card → where it names it, and the family."""


@dataclass(frozen=True, slots=True)
class Call:
    """An op in use.

    Attributes:
        op: as its family's contract.
        params: as written, validated; None when they are not legal.
        source: the card or spec that holds the call.
        path: where the mapping with `impl` and `params` stands in it.
    """

    op: Op
    params: OpParams | None
    source: Source
    path: KeyPath


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found.

    Attributes:
        source: what was written.
        cards: the legal ones, by the place of the spec that names them (`PLACES`), evaluations and
            their data by ``evaluate[0]`` and ``evaluate[0].data``.
        calls: the ops, by card and path: ``backbone``, ``method.modules.embed``.
        problems: names that do not exist, and parameters that are not legal.
    """

    source: Source
    cards: Mapping[str, Card]
    calls: Mapping[str, Call]
    problems: tuple[Diagnostic, ...]


def _as_named(card: Card) -> Card:
    return card


def survey(
    source: Source, catalog: Catalog, *, data_here: Callable[[Card], Card] = _as_named
) -> Survey:
    """Looks up every card and op that a spec names, and judges the ops' parameters.

    Args:
        data_here: card of the spec's own data → card of what is read for it on this machine.
    """
    problems: list[Diagnostic] = []
    cards: dict[str, Card] = {}
    for name, (path, family) in PLACES.items():
        card = _card(source, path, family=family, catalog=catalog, problems=problems)
        if card is not None:
            cards[name] = data_here(card) if name == "data" else card
    if "augment" not in cards and "method" in cards and is_absent(source, ("augment",)):
        cards |= _recipe_augment(cards["method"], catalog=catalog, problems=problems)
    evaluations = {
        at: card
        for at in range(_length(source, ("evaluate",)))
        if (
            card := _card(
                source, ("evaluate", at), family="evaluations", catalog=catalog, problems=problems
            )
        )
        is not None
    }
    calls: dict[str, Call] = {}
    places = {PLACES[name][0]: card for name, card in cards.items()}
    places |= {("evaluate", at): card for at, card in evaluations.items()}
    for written in (*calls_of_cards(cards), *calls_of_training(source, cards)):
        naming = _naming(written, source, places)
        calls |= _call(written, _params(written), problems, naming=naming)
    for at, card in evaluations.items():
        written = WrittenCall(f"evaluate[{at}]", ("evaluations",), card.source)
        params = _expanded(written, card, catalog=catalog, problems=problems)
        naming = _naming(written, source, places)
        calls |= _call(written, params, problems, naming=naming)
        cards |= _judged(
            f"evaluate[{at}]", card, catalog=catalog, problems=problems, own=cards.get("data")
        )
    return Survey(source, MappingProxyType(cards), MappingProxyType(calls), tuple(problems))


def _card(
    source: Source, at: KeyPath, *, family: str, catalog: Catalog, problems: list[Diagnostic]
) -> Card | None:
    """The card that stands at a path, if the schema can have no objection to how it is named."""
    node, use = source.get(at), source.get((*at, "use"))
    body = node if use is None else use
    if node is None or not isinstance(node.value, Mapping) or body is None:
        return None
    named = isinstance(body.value, str) and is_bare(body.value)
    if not named and not (isinstance(body.value, Mapping) and "card" in body.value):
        return None
    try:
        return card_in_use(catalog, source, at, family=family)
    except SpecError as error:
        problems.extend(error.diagnostics)
    return None


def _judged(
    name: str, card: Card, *, catalog: Catalog, problems: list[Diagnostic], own: Card | None
) -> dict[str, Card]:
    """An evaluation's card, and that of its data."""
    if own is None:
        return {name: card}
    try:
        return {name: card, f"{name}.data": judged_data(card, catalog, own=own)}
    except SpecError as error:
        problems.extend(error.diagnostics)
    return {name: card}


def _recipe_augment(
    method: Card, *, catalog: Catalog, problems: list[Diagnostic]
) -> dict[str, Card]:
    assert isinstance(method.model, MethodCard), "read as one"
    name = method.model.recipe.augment
    if name is None:
        return {}
    try:
        return {"augment": catalog.card(AugmentationCard, name)}
    except SpecError as error:
        problems.extend(error.diagnostics)
    except UnknownCard as error:
        place = method.source.value(("recipe", "augment"))
        problems.append(Diagnostic("EQ010", error.message, place, help=error.help))
    return {}


def _naming(written: WrittenCall, spec: Source, places: Mapping[KeyPath, Card]) -> Naming:
    """What messages call the parameters of a call, which stands on a card or in the spec itself."""
    for at, card in places.items():
        if card.source is written.source:
            return naming_of(card, spec, at, called=at)
    return by_path


def _call(
    written: WrittenCall, params: JsonValue, problems: list[Diagnostic], *, naming: Naming
) -> dict[str, Call]:
    """The op of a call, with its parameters judged; nothing where there is no such op."""
    impl = written.source.get((*written.path, "impl"))
    if impl is None or not isinstance(impl.value, str) or not isinstance(params, dict):
        return {}
    try:
        family = family_of(impl.value, among=written.families)
    except UnknownOp as error:
        problems.append(Diagnostic("EQ010", error.message, impl.place, help=error.help))
        return {}
    op = find_op(family, impl.value)
    model = op.Params
    told = {name: value for name, value in written.told.items() if name in model.model_fields}
    root = (*written.path, "params")
    judged = validate_data(model, {**told, **params}, written.source, root=root, naming=naming)
    problems.extend(judged.diagnostics)
    return {written.name: Call(op, judged.value, written.source, written.path)}


def _params(written: WrittenCall) -> JsonValue:
    node = written.source.get((*written.path, "params"))
    return {} if node is None else plain(node)


def _expanded(
    written: WrittenCall, card: Card, *, catalog: Catalog, problems: list[Diagnostic]
) -> JsonValue:
    """An evaluation's parameters, transforms by value; None where one of them is not there."""
    card = card.of(EvaluationCard)
    try:
        return {k: with_transforms(v, catalog) for k, v in card.model.params.items()}
    except EqspecError as error:
        place = written.source.value(("params",))
        problems.append(Diagnostic("EQ010", error.message, place, help=error.help))
    return None


def with_transforms(value: JsonValue, catalog: Catalog) -> JsonValue:
    """Every ``{use: name}`` inside an evaluation's parameters becomes the transform's op call.

    Raises:
        UnknownCard: when there is no such transform.
        SpecError: when its card is not legal.
    """
    if isinstance(value, dict) and set(value) == {"use"}:
        model = catalog.card(TransformCard, str(value["use"])).model
        return {"impl": model.impl, "params": model.params}
    if isinstance(value, dict):
        return {k: with_transforms(v, catalog) for k, v in value.items()}
    if isinstance(value, list):
        return [with_transforms(v, catalog) for v in value]
    return value


def _length(source: Source, path: KeyPath) -> int:
    node = source.get(path)
    return len(node.value) if node is not None and isinstance(node.value, tuple) else 0
