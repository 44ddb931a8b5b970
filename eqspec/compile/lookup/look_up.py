"""Look up every card and op that a spec names, and collect everything that is wrong with them.

Reads the text of the spec, not the validated model, so that one pass finds all problems whatever
else is wrong. `eqspec.compile.lookup.resolve` builds the resolved spec from what was found here.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import JsonValue

from eqspec.compile.lookup.card_slots import CardLocation, CardSlot, all_locations
from eqspec.compile.lookup.cards import card_in_use, naming_of
from eqspec.compile.lookup.op_calls import (
    WrittenCall,
    calls_of_card,
    calls_of_training,
    is_absent,
    recipe_lacks,
    transforms_within,
)
from eqspec.errors import Diagnostic, Location, SpecError
from eqspec.ops.contract.op import Op
from eqspec.ops.contract.training import ScheduleOp
from eqspec.ops.find import UnknownOp, family_of, find_op
from eqspec.ops.op import OpParams
from eqspec.registry.cards import AugmentationCard, EvaluationCard, MethodCard, TransformCard
from eqspec.registry.catalog import Card, Catalog, UnknownCard, need_only_its_own
from eqspec.spec.diagnose import Naming, by_path, validate_data
from eqspec.spec.node import KeyPath, plain
from eqspec.spec.source import Source
from eqspec.spec.use import is_bare


@dataclass(frozen=True, slots=True)
class CardInUse:
    """A card, and the location in the spec that names it."""

    location: CardLocation
    card: Card


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an op.

    Attributes:
        op: as its family's contract.
        given: parameters as written, names of transforms replaced by what they stand for.
        params: the same, validated; None when they are not legal.
        source: the card or spec that holds the call.
        path: of the mapping with `impl` and `params` in it.
    """

    op: Op
    given: Mapping[str, JsonValue]
    params: OpParams | None
    source: Source
    path: KeyPath


@dataclass(frozen=True, slots=True)
class Lookup:
    """The cards and ops that a spec names, as far as they exist.

    Attributes:
        source: the spec.
        used: the legal cards, by the name of their location: ``transform``, ``evaluate[0].data``.
        calls: of ops, by card and path: ``backbone``, ``method.modules.embed``.
        own_data: the dataset card that the spec names; ``used`` holds what is read in its stead.
        problems: unknown names and illegal parameters.
    """

    source: Source
    used: Mapping[str, CardInUse]
    calls: Mapping[str, Call]
    own_data: Card | None
    problems: tuple[Diagnostic, ...]

    @property
    def cards(self) -> Mapping[str, Card]:
        """The cards alone."""
        return MappingProxyType({name: used.card for name, used in self.used.items()})


def _as_named(card: Card) -> Card:
    return card


def look_up(
    source: Source, catalog: Catalog, *, data_here: Callable[[Card], Card] = _as_named
) -> Lookup:
    """Look up every card and op that a spec names, and validate the parameters of the ops.

    Args:
        data_here: the dataset card that the spec names → the card of what is read on this machine.
    """
    search = _Search(source, catalog)
    for location in all_locations(source.data):
        search.card(location, data_here=data_here)
    for used in search.used.values():
        search.calls_of(used)
    search.calls_of_training()
    return Lookup(
        source,
        MappingProxyType(search.used),
        MappingProxyType(search.calls),
        search.own_data,
        tuple(search.problems),
    )


@dataclass(slots=True)
class _Search:
    """A lookup in progress."""

    source: Source
    catalog: Catalog
    used: dict[str, CardInUse] = field(default_factory=dict[str, CardInUse])
    calls: dict[str, Call] = field(default_factory=dict[str, Call])
    own_data: Card | None = None
    problems: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def card(self, location: CardLocation, *, data_here: Callable[[Card], Card]) -> None:
        """Find the card of a location."""
        named = self._named_at(location)
        card: Card | None = None
        if named is not None and is_absent(*named):
            card = self._default(location)
        elif named is not None and _may_name_card(*named, slot=location.slot):
            card = self._card(*named, location=location)
        if location.name == "data" and card is not None:
            self.own_data, card = card, data_here(card)
        if card is not None:
            self.used[location.name] = CardInUse(location, card)

    def _card(self, source: Source, path: KeyPath, *, location: CardLocation) -> Card | None:
        with self._collecting():
            card = card_in_use(self.catalog, source, path, kind=location.slot.kind)
            if location.outer is None:
                return card
            need_only_its_own(card)
            return self.used["data"].card if card == self.own_data else card
        return None

    def _named_at(self, location: CardLocation) -> tuple[Source, KeyPath] | None:
        """The text that names the card of a location: the spec, or the card that it is within."""
        if location.outer is None:
            return self.source, location.path
        outer = self.used.get(location.outer)
        if outer is None:
            return None
        return outer.card.source, location.path[len(outer.location.body) :]

    def _default(self, location: CardLocation) -> Card | None:
        """The card of a location where the spec names none."""
        if location.outer is not None:  # an evaluation reads the data that are trained on
            data = self.used.get("data")
            return None if data is None else data.card
        method = self._method()
        return self._recipe_augment(method) if location.name == "augment" and method else None

    def _recipe_augment(self, method: Card) -> Card | None:
        name = method.of(MethodCard).model.recipe.augment
        if name is None:
            message = f"`{method.name}` has no augmentation of its own"
            location = self.source.key(("method",))
            advice = "add `augment: {use: …}`"
            self.problems.append(Diagnostic("EQ002", message, location, help=advice))
            return None
        with self._collecting(method.source.value(("recipe", "augment"))):
            return self.catalog.card(AugmentationCard, name)
        return None

    def _method(self) -> Card | None:
        used = self.used.get("method")
        return None if used is None else used.card

    def calls_of(self, used: CardInUse) -> None:
        """Find the ops that a card calls."""
        location, card = used.location, used.card
        named = self._named_at(location)
        if location.outer is not None and (named is None or is_absent(*named)):
            return  # the same card as that of `data`
        naming = self._naming(used)
        for call in calls_of_card(card, name=location.name):
            self._call(call, self._given(call, card), naming=naming)
        if isinstance(card.model, EvaluationCard):
            for call in transforms_within(card, name=location.name):
                self._checked(call, _params(call), naming=naming)

    def _naming(self, used: CardInUse) -> Naming:
        """What messages call a value of a card."""
        path = used.location.path
        if used.location.outer is None:
            return naming_of(used.card, self.source, path, called=path)
        outer = self.used[used.location.outer]
        named, inner = self._naming(outer), path[len(outer.location.body) :]
        return lambda path, location: named((*inner, *path), location)

    def calls_of_training(self) -> None:
        """Find the optimizer and the schedule."""
        method = self._method()
        for call in calls_of_training(self.source, method):
            naming: Naming = by_path
            if method is not None and call.source is method.source:
                naming = self._naming(self.used["method"])
            self._call(call, _params(call), naming=naming)
        for key in () if method is None else recipe_lacks(self.source, method):
            message = f"missing key `impl`: the method has no {key} of its own"
            location = self.source.value(("train", key))
            self.problems.append(Diagnostic("EQ002", message, location, help="add `impl:`"))

    def _given(self, call: WrittenCall, card: Card) -> JsonValue:
        """Parameters of a call, transforms by value; None where one of them does not exist."""
        if not isinstance(card.model, EvaluationCard):
            return _params(call)
        before = len(self.problems)
        params = self._with_transforms(card.model.params, call.source, path=("params",))
        return params if len(self.problems) == before else None

    def _with_transforms(self, value: JsonValue, source: Source, *, path: KeyPath) -> JsonValue:
        """Replace every ``{use: name}`` inside an evaluation's parameters by that transform's call.

        Args:
            path: of the value in the source.
        """
        if isinstance(value, dict) and set(value) == {"use"}:
            return self._transform(str(value["use"]), source.value((*path, "use")))
        if isinstance(value, dict):
            return {k: self._with_transforms(v, source, path=(*path, k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self._with_transforms(v, source, path=(*path, k)) for k, v in enumerate(value)]
        return value

    def _transform(self, name: str, location: Location) -> JsonValue:
        with self._collecting(location):
            model = self.catalog.card(TransformCard, name).model
            return {"impl": model.impl, "params": model.params}
        return None

    def _call(self, written: WrittenCall, given: JsonValue, *, naming: Naming) -> None:
        call = self._checked(written, given, naming=naming)
        if call is not None:
            self.calls[written.name] = call

    def _checked(self, written: WrittenCall, given: JsonValue, *, naming: Naming) -> Call | None:
        """The op of a call with its parameters validated; None where there is no such op."""
        impl = written.source.get((*written.path, "impl"))
        if impl is None or not isinstance(impl.value, str) or not isinstance(given, dict):
            return None
        with self._collecting(impl.location):
            op = find_op(family_of(impl.value, among=written.families), impl.value)
            model = op.Params
            rate = op.rate if written.rated and isinstance(op, ScheduleOp) else None
            known: dict[str, JsonValue] = {} if rate is None else {rate: 1.0}
            root = (*written.path, "params")
            checked = validate_data(
                model, {**known, **given}, written.source, root=root, naming=naming
            )
            self.problems.extend(checked.diagnostics)
            return Call(op, given, checked.value, written.source, written.path)
        return None

    @contextmanager
    def _collecting(self, location: Location | None = None) -> Generator[None]:
        """Collect what goes wrong inside, at a place where an unknown name has none of its own."""
        try:
            yield
        except SpecError as error:
            self.problems.extend(error.diagnostics)
        except (UnknownCard, UnknownOp) as error:
            self.problems.append(Diagnostic("EQ010", error.message, location, help=error.help))


def _may_name_card(source: Source, path: KeyPath, *, slot: CardSlot) -> bool:
    """Whether the schema has no objection to how a card is named, or its body written."""
    use, node = source.get((*path, "use")), source.get(path)
    value = None if node is None else (use or node).value
    if isinstance(value, str):
        return is_bare(value) and (use is not None or slot.within is not None)
    any_body = slot.within is not None or (slot.under_use and use is not None)
    return isinstance(value, Mapping) and (any_body or "card" in value)


def _params(written: WrittenCall) -> JsonValue:
    node = written.source.get((*written.path, "params"))
    return {} if node is None else plain(node)
