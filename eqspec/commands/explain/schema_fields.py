"""The fields of the schema by dotted path: what each means, its unit, default and paper's value."""

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
    """One field of the schema.

    Attributes:
        default: as it would stand in YAML; None where one has to be given.
        changes: the weights, or only how the training runs.
    """

    about: str
    unit: str | None
    default: str | None
    paper: str | None
    changes: str


def field_of(path: KeyPath) -> SchemaField | None:
    """The field at a path; None where the schema ends before the path does."""
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
    """Every path of the schema but those into lists, in order."""
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
        changes=next(said for mark, said in _CHANGES if mark == identity),
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
    """Models with fields of their own, anywhere in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if "root" not in annotation.model_fields:
            yield annotation
        return
    for argument in get_args(annotation):
        yield from _models(argument)


def _extra(field: FieldInfo) -> dict[str, str]:
    extra = field.json_schema_extra
    # The other possibility, a callable, is not used; eqspec.spec.facts writes texts.
    return cast("dict[str, str]", extra) if isinstance(extra, dict) else {}
