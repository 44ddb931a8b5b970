"""Schema fields by dotted path: meaning, unit, default and the value in the paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from eqspec.ops.parameters import default_text
from eqspec.spec.model import Spec
from eqspec.spec.node import KeyPath

_CHANGES = {"weights": "the weights", "how": "how it runs"}.items()


@dataclass(frozen=True, slots=True)
class SchemaField:
    """Field of the schema.

    Attributes:
        about: meaning of the field.
        unit: unit of a number.
        default: default as in YAML; None for a required field.
        paper: value in the paper.
        changes: whether it changes the weights, or only how the training runs.
    """

    about: str
    unit: str | None
    default: str | None
    paper: str | None
    changes: str


def field_of(path: KeyPath) -> SchemaField | None:
    """Return the field at a path, or None if the schema has none."""
    models: tuple[type[BaseModel], ...] = (Spec,)
    field: FieldInfo | None = None
    for part in path:
        if isinstance(part, int):
            continue
        field = next((f for m in models for n, f in _fields(m) if n == part), None)
        if field is None:
            return None
        models = tuple(_models(field.annotation))
    return None if field is None else _described(field, first=str(path[0]))


def field_paths() -> tuple[str, ...]:
    """Return all paths of the schema in order, except those into lists."""
    return tuple(_paths(Spec, above=""))


def _described(field: FieldInfo, *, first: str) -> SchemaField:
    default = None
    if not field.is_required():
        default = default_text(field.get_default(call_default_factory=True))
    extra = _extra(field)
    identity = extra.get("identity") or _extra(dict(_fields(Spec))[first]).get("identity")
    return SchemaField(
        about=field.description or "",
        unit=extra.get("unit"),
        default=default,
        paper=extra.get("paper"),
        changes=next(text for mark, text in _CHANGES if mark == identity),
    )


def _paths(model: type[BaseModel], *, above: str) -> Iterator[str]:
    for name, field in _fields(model):
        yield above + name
        for section in _models(field.annotation):
            yield from _paths(section, above=f"{above}{name}.")


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models with fields of their own in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if "root" not in annotation.model_fields:
            yield annotation
        return
    for argument in get_args(annotation):
        yield from _models(argument)


def _extra(field: FieldInfo) -> dict[str, str]:
    extra = field.json_schema_extra
    # pydantic also allows a callable, which eqspec.spec.facts does not use.
    return cast("dict[str, str]", extra) if isinstance(extra, dict) else {}
