"""`eqspec show`: a card or an op as it is, with what may be set."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import get_args, get_origin

from pydantic import JsonValue
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from eqspec.compile.cards_in_use import overridable
from eqspec.errors import UsageError
from eqspec.ops.find import FAMILIES as OP_FAMILIES
from eqspec.ops.find import find_op, op_names
from eqspec.ops.op import Port
from eqspec.registry.cards import FAMILIES as CARD_FAMILIES
from eqspec.registry.catalog import Card, Catalog, open_catalog
from eqspec.spec.dump import write_yaml

_SIMPLE: Mapping[object, str] = MappingProxyType({types.NoneType: "null", ...: "…"})
_ATTRIBUTE = re.compile(r"(?P<names>\w+(?:, \w+)*): (?P<text>.+)")


@dataclass(frozen=True, slots=True)
class CardPage:
    """A card as it is shown.

    Attributes:
        settable: names with which a path under `with:` may begin.
        text: the file as it stands.
    """

    family: str
    name: str
    rev: int
    status: str | None
    about: str
    paper: str | None
    file: Path
    settable: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an op; `default` is None where one has to be given."""

    name: str
    type: str
    default: str | None
    about: str


@dataclass(frozen=True, slots=True)
class OpPage:
    """An op as it is shown.

    Attributes:
        ports: what it reads, for ops that stand in a graph.
    """

    family: str
    name: str
    rev: int
    about: str
    file: Path
    parameters: tuple[Parameter, ...]
    ports: tuple[Port, ...]


Page = CardPage | OpPage


def show(name: str, *, family: str | None = None) -> tuple[Page, ...]:
    """Every card and every op of that name, cards first.

    Args:
        family: only those of one family.

    Raises:
        UsageError: when there is none.
    """
    catalog = open_catalog()
    cards = [f for f in CARD_FAMILIES if family in {None, f} and name in catalog.names(f)]
    ops = [f for f in OP_FAMILIES if family in {None, f} and name in op_names(f)]
    if not cards and not ops:
        raise _unknown(name, family=family, catalog=catalog)
    shown = [_card_page(catalog, catalog.card(f, name)) for f in cards]
    return (*shown, *(_op_page(find_op(f, name), family=f, name=name) for f in ops))


def _unknown(name: str, *, family: str | None, catalog: Catalog) -> UsageError:
    families = (*CARD_FAMILIES, *(f for f in OP_FAMILIES if f not in CARD_FAMILIES))
    if family is not None and family not in families:
        return UsageError(
            f"there is no family `{family}`", help=f"there are: {', '.join(families)}"
        )
    known = {n for f in CARD_FAMILIES if family in {None, f} for n in catalog.names(f)}
    known |= {n for f in OP_FAMILIES if family in {None, f} for n in op_names(f)}
    near = get_close_matches(name, sorted(known), n=3, cutoff=0.5)
    where = "" if family is None else f" in the family `{family}`"
    guess = f"did you mean {' or '.join(f'`{n}`' for n in near)}?" if near else None
    return UsageError(
        f"there is no card and no op `{name}`{where}",
        help=guess or "`eqspec list` names the cards, `eqspec list ops` the ops",
    )


def _card_page(catalog: Catalog, card: Card) -> CardPage:
    model = card.model
    files = (root / card.family / f"{card.name}.yaml" for root in reversed(catalog.roots))
    file = next(path for path in files if path.is_file())
    return CardPage(
        family=card.family,
        name=card.name,
        rev=model.rev,
        status=getattr(model, "status", None),
        about=model.about,
        paper=model.paper,
        file=file,
        settable=overridable(card),
        text=file.read_text(encoding="utf-8"),
    )


def _op_page(op: ModuleType, *, family: str, name: str) -> OpPage:
    said = _attributes(op.Params.__doc__ or "")
    ports = getattr(op, "ports", ())
    assert op.__file__ is not None, "an op is a file"
    return OpPage(
        family=family,
        name=name,
        rev=op.rev,
        about=inspect.getdoc(op) or "",
        file=Path(op.__file__),
        parameters=tuple(
            _parameter(each, field, about=said.get(each, ""))
            for each, field in op.Params.model_fields.items()
        ),
        ports=tuple(port for port in ports if isinstance(port, Port)),
    )


def _parameter(name: str, field: FieldInfo, *, about: str) -> Parameter:
    default = None
    if not field.is_required():
        default = _plain(field.get_default(call_default_factory=True))
    kind = "float or schedule" if "scheduled" in field.metadata else _type(field.annotation)
    return Parameter(name=name, type=kind, default=default, about=field.description or about)


def _attributes(docstring: str) -> dict[str, str]:
    """What the `Attributes:` section of a docstring says of each name."""
    _, _, section = inspect.cleandoc(docstring).partition("Attributes:\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        match = _ATTRIBUTE.fullmatch(line.strip()) if re.match(r" {4}\S", line) else None
        if match:
            names = match["names"].split(", ")
            found |= dict.fromkeys(names, match["text"])
        else:
            found |= {name: f"{found[name]} {line.strip()}".strip() for name in names}
    return found


def _type(annotation: object) -> str:  # noqa: PLR0911 - one line for each kind of type
    """A type as a person writes it."""
    arguments = get_args(annotation)
    match get_origin(annotation):
        case None:
            return _SIMPLE.get(annotation) or getattr(annotation, "__name__", str(annotation))
        case typing.Annotated:
            return _type(arguments[0])
        case typing.Literal:
            return " | ".join(map(str, arguments))
        case typing.Union | types.UnionType:
            return " | ".join(map(_type, arguments))
        case origin:
            name = "" if origin in {tuple, list} else origin.__name__
            return f"{name}[{', '.join(map(_type, arguments))}]"


def _plain(value: object) -> str:
    """A default as it would stand in YAML."""
    plain: JsonValue = to_jsonable_python(value, fallback=str)
    text = plain if isinstance(plain, str) else write_yaml(plain)
    return text.removesuffix("\n").removesuffix("...").strip()
