"""Pages of single values of a spec, in the schema, on a card or of an op, with their origins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from pydantic import JsonValue

from eqspec.commands.explain.schema_fields import SchemaField, field_of
from eqspec.compile.lookup.look_up import Call
from eqspec.compile.lookup.overrides import override_path
from eqspec.compile.lookup.provenance import Origin, card_origin, spec_origin
from eqspec.compile.lookup.resolve import Resolved
from eqspec.ops.op import how_it_runs_fields
from eqspec.ops.parameters import Parameter, parameters
from eqspec.registry.cards import FAMILIES
from eqspec.registry.catalog import Card, Catalog
from eqspec.spec.dump import inline_yaml
from eqspec.spec.node import KeyPath, dotted, plain
from eqspec.spec.override import key_path

_RECIPE = (("augment",), ("train", "optimizer"), ("train", "schedule"))
"""Fields that null leaves to the recipe of the method."""

_FINGERPRINT = ("data", "fingerprint")  # a card inside the spec may leave it to its default


@dataclass(frozen=True, slots=True)
class ValuePage:
    """Page about one value.

    Attributes:
        path: dotted path of the value.
        about: meaning of the value.
        value: value as in YAML; None without a spec, or if the spec has none.
        unit: unit of a number.
        default: default of the schema or the op; None for a required value.
        paper: value in the paper, from the schema.
        card: value of the card in the registry.
        changes: whether it changes the weights, the evaluation, or only how the training runs.
        origin: where the value was set.
        note: how the compiler interprets the value.
    """

    path: str
    about: str
    value: str | None = None
    unit: str | None = None
    default: str | None = None
    paper: str | None = None
    card: str | None = None
    changes: str | None = None
    origin: Origin | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """Spec with the cards and ops that it names.

    Attributes:
        data: the resolved spec as plain data.
    """

    resolved: Resolved
    catalog: Catalog
    data: Mapping[str, JsonValue]


def value_page(study: Study, text: str) -> ValuePage | None:
    """Return the page of a dotted path, or None if there is no such value.

    A value of a card can be named as in the spec, with or without `with` (`backbone.with.depth`),
    or as in the card and the resolved spec (`backbone.params.depth`).

    Raises:
        ValueError: when the text is not a path.
    """
    text = text.replace("[", ".").replace("]", "")
    path = key_path(study.resolved.source, text)
    field = field_of(path)
    if field is not None:
        return _in_schema(study, text, path=path, field=field)
    for at, card in card_places(study.resolved):
        below = _below(text, at)
        if below is not None:
            pages = (
                _on_card(study, text, card=card, inner=inner, at=at)
                for inner in _inner(card, below)
            )
            return next((page for page in pages if page is not None), None)
    return _of_recipe(study, text, path)


def field_page(text: str, field: SchemaField) -> ValuePage:
    """Return the page of a field of the schema."""
    return ValuePage(
        path=text,
        about=field.about,
        unit=field.unit,
        default=field.default,
        paper=field.paper,
        changes=field.changes,
    )


def card_places(resolved: Resolved) -> list[tuple[KeyPath, Card]]:
    """Return the places at which the spec names cards, the longest path first."""
    used = (one for one in resolved.lookup.used.values() if one.location.outer is None)
    places = [(one.location.path, one.card) for one in used]
    return sorted(places, key=lambda location: -len(location[0]))


def yaml_text(value: JsonValue) -> str:
    """Return a value as one line of YAML; a string without quotes."""
    return value if isinstance(value, str) else inline_yaml(value)


def _in_schema(study: Study, text: str, *, path: KeyPath, field: SchemaField) -> ValuePage:
    page, resolved = field_page(text, field), study.resolved
    known: JsonValue = resolved.spec.model_dump(mode="json", by_alias=True)
    if path == _FINGERPRINT:
        known = {**known, "data": {"fingerprint": resolved.fingerprint}}
    for depth, part in enumerate(path):
        inner = _part(known, part)
        if inner is None:
            note = f"`{dotted(path[:depth])}` is `{yaml_text(known)}` in this spec"
            return replace(page, note=note)
        (known,) = inner
    if path == ("image",):
        known = resolved.image
    page = replace(page, value=yaml_text(known), origin=spec_origin(resolved, path))
    if known is None and path in _RECIPE:
        return _by_recipe(page, resolved, str(path[-1]))
    return page


def _by_recipe(page: ValuePage, resolved: Resolved, key: str) -> ValuePage:
    """Fill in the value of the method's recipe for null."""
    method = resolved.cards.get("method")
    node = None if method is None else method.source.get(("recipe", key))
    if node is None or method is None:
        return page
    where = card_origin(resolved.source, method, ("recipe", key), at=("method",))
    note = f"null selects the recipe of the method, `{method.name}`"
    return replace(page, value=yaml_text(plain(node)), origin=where, note=note)


def _inner(card: Card, below: str) -> Iterator[KeyPath]:
    """Yield the paths that a text may mean on a card: that of an override, or the path itself."""
    with suppress(KeyError, ValueError):
        yield key_path(card.source, ".".join(override_path(card, below)))
    with suppress(ValueError):
        yield key_path(card.source, below)


def _on_card(
    study: Study, text: str, *, card: Card, inner: KeyPath, at: KeyPath
) -> ValuePage | None:
    calls = (c for c in study.resolved.lookup.calls.values() if c.source.root == card.source.root)
    call = next((c for c in calls if inner[: len(c.path) + 1] == (*c.path, "params")), None)
    page = _leaf(study, text, card=card, inner=inner, call=call)
    if page is None or page.origin is not None:
        return page
    return replace(page, origin=card_origin(study.resolved.source, card, inner, at=at))


def _leaf(
    study: Study, text: str, *, card: Card, inner: KeyPath, call: Call | None
) -> ValuePage | None:
    """Return the page of a value of a card (without origin) or of a default of its op."""
    node = card.source.get(inner)
    parameter = None if call is None else _parameter(call, inner)
    # Values inside a parameter exist only in the card, not in the default of the op.
    if node is None and (call is None or parameter is None or len(inner) > len(call.path) + 2):
        return None
    page = ValuePage(
        path=text,
        about="" if parameter is None else parameter.about,
        default=None if parameter is None else parameter.default,
        card=_shipped(study, card, inner),
        changes=_changes(card, call, parameter),
    )
    if node is None and call is not None:
        return replace(page, value=page.default, origin=_op_default(call))
    return page if node is None else replace(page, value=yaml_text(plain(node)))


def _changes(card: Card, call: Call | None, parameter: Parameter | None) -> str:
    """Return what the value of a card or of a parameter changes."""
    how = frozenset[str]() if call is None else how_it_runs_fields(call.op.Params)
    if parameter is not None and parameter.name in how:
        return "how it runs"
    return "the evaluation" if card.family == "evaluations" else "the weights"


def _of_recipe(study: Study, text: str, path: KeyPath) -> ValuePage | None:
    """Return the page of a parameter of the optimizer or schedule, from the spec or the recipe."""
    parts = tuple(part for part in path if part != "params")
    if len(parts) < 3 or parts[:2] not in _RECIPE:
        return None
    resolved, key = study.resolved, str(parts[1])
    own = study.resolved.lookup.calls.get(f"train.{key}")
    call = own or study.resolved.lookup.calls.get(f"method.recipe.{key}")
    if call is None:
        return None
    inner = (*call.path, "params", *parts[2:])
    method, parameter = resolved.cards["method"], _parameter(call, inner)
    recipe = ("recipe", key, "params", *parts[2:])
    in_spec: KeyPath = ("train", key, "params", *parts[2:])
    override = resolved.source.get(in_spec)  # of the recipe, or the whole optimizer
    node = override or call.source.get(inner)
    if parameter is None:
        return None
    where = _op_default(call)
    if override is not None:
        where = spec_origin(resolved, in_spec)
    elif node is not None and own is None:
        where = card_origin(resolved.source, method, recipe, at=("method",))
    elif node is not None:
        where = spec_origin(resolved, inner)
    return ValuePage(
        path=text,
        about=parameter.about,
        value=parameter.default if node is None else yaml_text(plain(node)),
        default=parameter.default,
        card=_shipped(study, method, recipe),
        changes="the weights",
        origin=where,
        note=_rate_used(call, str(parts[2]), resolved),
    )


def _rate_used(call: Call, name: str, resolved: Resolved) -> str | None:
    """Describe a learning rate that depends on the batch size, for the batch of the spec."""
    at = getattr(getattr(call.params, name, None), "at", None)
    batch = resolved.train.batch
    return None if at is None else f"{at(batch):.6g} at a batch of {batch}"


def _shipped(study: Study, card: Card, inner: KeyPath) -> str | None:
    """Describe the value of the card in the registry, before `with:` and `--set`."""
    if card.name not in study.catalog.names(card.family):
        return None
    original = study.catalog.card(FAMILIES[card.family], card.name)
    node, paper = original.source.get(inner), original.model.paper
    if node is None:
        return None
    named = ", ".join((f"{card.family}/{card.name}", *((paper,) if paper else ())))
    return f"{yaml_text(plain(node))} ({named})"


def _op_default(call: Call) -> Origin:
    return Origin("default", f"default of the op `{call.op.file.stem}`")


def _parameter(call: Call, inner: KeyPath) -> Parameter | None:
    name = inner[len(call.path) + 1 :][:1]
    return next((p for p in parameters(call.op.Params) if (p.name,) == name), None)


def _below(text: str, at: KeyPath) -> str | None:
    """Return the part of a dotted path below a card, without `with`, or `use` of an inline card."""
    for start in (".".join(map(str, at)), str(at[-1])):
        if text.startswith(f"{start}."):
            return text.removeprefix(f"{start}.").removeprefix("use.").removeprefix("with.")
    return None


def _part(data: JsonValue, part: str | int) -> tuple[JsonValue] | None:
    """Return the value at one step of a path in a tuple, or None if there is none."""
    return next((inner for key, inner in _parts(data) if key == part), None)


def _parts(data: JsonValue) -> Iterator[tuple[str | int, tuple[JsonValue]]]:
    if isinstance(data, dict):
        yield from ((key, (value,)) for key, value in data.items())
    elif isinstance(data, list):
        yield from ((index, (value,)) for index, value in enumerate(data))
