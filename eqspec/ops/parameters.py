"""Parameters of an op, each with its type, default and meaning."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args, get_origin

from pydantic import JsonValue
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from eqspec.ops.op import OpParams
from eqspec.spec.dump import write_yaml

_SIMPLE: Mapping[object, str] = MappingProxyType({types.NoneType: "null", ...: "…"})
_ATTRIBUTE = re.compile(r"(?P<names>\w+(?:, \w+)*): (?P<text>.+)")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an op; `default` is None if it is required."""

    name: str
    type: str
    default: str | None
    about: str


def parameters(params: type[OpParams]) -> tuple[Parameter, ...]:
    """Return every parameter, in order of declaration."""
    texts: dict[str, str] = {}
    for declared in reversed(params.__mro__):
        texts |= attribute_texts(declared.__doc__ or "")
    return tuple(
        _parameter(name, field, about=texts.get(name, ""))
        for name, field in params.model_fields.items()
    )


def _parameter(name: str, field: FieldInfo, *, about: str) -> Parameter:
    default = None
    if not field.is_required():
        default = default_text(field.get_default(call_default_factory=True))
    kind = "float or schedule" if "scheduled" in field.metadata else type_text(field.annotation)
    return Parameter(name=name, type=kind, default=default, about=field.description or about)


def attribute_texts(docstring: str) -> dict[str, str]:
    """Return the text of each name in the `Attributes:` section of a docstring."""
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


def type_text(annotation: object) -> str:  # noqa: PLR0911 - one line for each kind of type
    """Return a type in readable form."""
    arguments = get_args(annotation)
    match get_origin(annotation):
        case None:
            return _SIMPLE.get(annotation) or getattr(annotation, "__name__", str(annotation))
        case typing.Annotated:
            return type_text(arguments[0])
        case typing.Literal:
            return " | ".join(map(str, arguments))
        case typing.Union | types.UnionType:
            return " | ".join(map(type_text, arguments))
        case origin:
            name = "" if origin in {tuple, list} else origin.__name__
            return f"{name}[{', '.join(map(type_text, arguments))}]"


def default_text(value: object) -> str:
    """Return a default in YAML."""
    plain: JsonValue = to_jsonable_python(value, fallback=str)
    text = plain if isinstance(plain, str) else write_yaml(plain)
    return text.removesuffix("\n").removesuffix("...").strip()
