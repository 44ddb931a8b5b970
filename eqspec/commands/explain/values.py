"""One value of a spec: in the schema, on a card, or of an op; and where it was decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from pydantic import JsonValue

from eqspec.commands.explain.schema_fields import SchemaField, field_of
from eqspec.compile.lookup.cards import override_path
from eqspec.compile.lookup.look_up import Call
from eqspec.compile.lookup.provenance import Origin, card_origin, spec_origin
from eqspec.compile.lookup.resolve import Resolved
from eqspec.ops.parameters import Parameter, parameters
from eqspec.registry.cards import FAMILIES
from eqspec.registry.catalog import Card, Catalog
from eqspec.spec.dump import inline_yaml
from eqspec.spec.node import KeyPath, dotted, plain
from eqspec.spec.override import key_path

_RECIPE = (("augment",), ("train", "optimizer"), ("train", "schedule"))
"""What a spec leaves to the method's recipe by null."""

_LOOKED_AT = ("data", "fingerprint")  # which the body of a card may leave to its default


@dataclass(frozen=True, slots=True)
class ValuePage:
    """What is known of one value.

    Attributes:
        value: as it stands in YAML; None where no spec was given, or it has none.
        unit: of the number, where it has one.
        about: what it means.
        default: of the schema or the op; None where one has to be given.
        paper: the paper's value, as the schema knows it.
        card: the value that the card has in the registry.
        changes: the weights, or only how the training runs.
        origin: where the value was decided.
        note: what the compiler makes of it.
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
    """A spec with all that it names.

    Attributes:
        data: the resolved spec.
    """

    resolved: Resolved
    catalog: Catalog
    data: Mapping[str, JsonValue]


def value_page(study: Study, text: str) -> ValuePage | None:
    """The page of a dotted path; None: no such value.

    What lies on a card may be named as the spec sets it, `with` written or left out
    (`backbone.with.depth`), or as the card and the resolved spec have it (`backbone.params.depth`).

    Raises:
        ValueError: when the text is no path.
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
    """What the schema says of a path."""
    return ValuePage(
        path=text,
        about=field.about,
        unit=field.unit,
        default=field.default,
        paper=field.paper,
        changes=field.changes,
    )


def card_places(resolved: Resolved) -> list[tuple[KeyPath, Card]]:
    """Where the spec names each card, the longest path first."""
    used = (one for one in resolved.lookup.used.values() if one.location.outer is None)
    places = [(one.location.path, one.card) for one in used]
    return sorted(places, key=lambda place: -len(place[0]))


def yaml_text(value: JsonValue) -> str:
    """A value on one line of YAML; a text without quotes."""
    return value if isinstance(value, str) else inline_yaml(value)


def _in_schema(study: Study, text: str, *, path: KeyPath, field: SchemaField) -> ValuePage:
    page, resolved = field_page(text, field), study.resolved
    known: JsonValue = resolved.spec.model_dump(mode="json", by_alias=True)
    if path == _LOOKED_AT:
        known = {**known, "data": {"fingerprint": resolved.fingerprint}}
    for depth, part in enumerate(path):
        inner = _part(known, part)
        if inner is None:
            said = f"`{dotted(path[:depth])}` is `{yaml_text(known)}` in this spec"
            return replace(page, note=said)
        (known,) = inner
    if path == ("image",):
        known = resolved.image
    page = replace(page, value=yaml_text(known), origin=spec_origin(resolved, path))
    if known is None and path in _RECIPE:
        return _by_recipe(page, resolved, str(path[-1]))
    return page


def _by_recipe(page: ValuePage, resolved: Resolved, key: str) -> ValuePage:
    """A null that means the method's recipe."""
    method = resolved.cards.get("method")
    node = None if method is None else method.source.get(("recipe", key))
    if node is None or method is None:
        return page
    where = card_origin(resolved.source, method, ("recipe", key), at=("method",))
    said = f"null takes the recipe of the method, `{method.name}`"
    return replace(page, value=yaml_text(plain(node)), origin=where, note=said)


def _inner(card: Card, below: str) -> Iterator[KeyPath]:
    """What a text may mean on a card: what an override of that name sets, or the path itself."""
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
    """A value on a card, written or left to the op; without an origin where it is written."""
    node = card.source.get(inner)
    told = None if call is None else _parameter(call, inner)
    # Below a parameter there is only what was written there, not its default.
    if node is None and (call is None or told is None or len(inner) > len(call.path) + 2):
        return None
    page = ValuePage(
        path=text,
        about="" if told is None else told.about,
        default=None if told is None else told.default,
        card=_shipped(study, card, inner),
        changes="the judgement" if card.family == "evaluations" else "the weights",
    )
    if node is None and call is not None:
        return replace(page, value=page.default, origin=_op_default(call))
    return page if node is None else replace(page, value=yaml_text(plain(node)))


def _of_recipe(study: Study, text: str, path: KeyPath) -> ValuePage | None:
    """A parameter of the optimizer or schedule, the spec's own or the method's."""
    parts = tuple(part for part in path if part != "params")
    if len(parts) < 3 or parts[:2] not in _RECIPE:
        return None
    resolved, key = study.resolved, str(parts[1])
    own = study.resolved.lookup.calls.get(f"train.{key}")
    call = own or study.resolved.lookup.calls.get(f"method.recipe.{key}")
    if call is None:
        return None
    inner = (*call.path, "params", *parts[2:])
    method, told = resolved.cards["method"], _parameter(call, inner)
    recipe = ("recipe", key, "params", *parts[2:])
    written: KeyPath = ("train", key, "params", *parts[2:])
    laid = resolved.source.get(written)  # over the recipe's, or whole
    node = laid or call.source.get(inner)
    if told is None:
        return None
    where = _op_default(call)
    if laid is not None:
        where = spec_origin(resolved, written)
    elif node is not None and own is None:
        where = card_origin(resolved.source, method, recipe, at=("method",))
    elif node is not None:
        where = spec_origin(resolved, inner)
    return ValuePage(
        path=text,
        about=told.about,
        value=told.default if node is None else yaml_text(plain(node)),
        default=told.default,
        card=_shipped(study, method, recipe),
        changes="the weights",
        origin=where,
        note=_rate_used(call, str(parts[2]), resolved),
    )


def _rate_used(call: Call, name: str, resolved: Resolved) -> str | None:
    """A learning rate that follows the batch, at the batch of the spec."""
    at = getattr(getattr(call.params, name, None), "at", None)
    batch = resolved.train.batch
    return None if at is None else f"{at(batch):.6g} at a batch of {batch}"


def _shipped(study: Study, card: Card, inner: KeyPath) -> str | None:
    """What the card says before `with:` and `--set`."""
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
    """The rest of a dotted path below a card's place, without `with`, or the `use` of a body."""
    for start in (".".join(map(str, at)), str(at[-1])):
        if text.startswith(f"{start}."):
            return text.removeprefix(f"{start}.").removeprefix("use.").removeprefix("with.")
    return None


def _part(data: JsonValue, part: str | int) -> tuple[JsonValue] | None:
    """What stands at one step of a path, if anything does."""
    return next((inner for key, inner in _parts(data) if key == part), None)


def _parts(data: JsonValue) -> Iterator[tuple[str | int, tuple[JsonValue]]]:
    if isinstance(data, dict):
        yield from ((key, (value,)) for key, value in data.items())
    elif isinstance(data, list):
        yield from ((index, (value,)) for index, value in enumerate(data))
