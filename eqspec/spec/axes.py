"""Axes of a grid: short names from the schema, or any dotted path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from pydantic import BaseModel, JsonValue

from eqspec.spec.facts import stated_axes
from eqspec.spec.model import Spec


@dataclass(frozen=True, slots=True)
class Axis:
    """A value of a spec that a grid can vary.

    Attributes:
        name: short name in the schema; the path if it has none.
        path: dotted path, as for `--set`.
        study: the values in the paper's ablation; empty without one.
        instead_of: dotted path of the alternative key, which must then be null.
    """

    name: str
    path: str
    study: tuple[JsonValue, ...] = ()
    instead_of: str | None = None


def axes() -> Mapping[str, Axis]:
    """Return the axes with a short name, by that name, in the order of the schema."""
    return MappingProxyType({axis.name: axis for axis in _axes(Spec)})


def find_axis(written: str) -> Axis | None:
    """Return an axis by its short name or dotted path.

    Only the first part of a path is checked here; the rest is checked with the spec.
    """
    known = axes()
    by_path = {axis.path: axis for axis in known.values()}
    if written in known or written in by_path:
        return known.get(written) or by_path[written]
    keys = {field.alias or name for name, field in Spec.model_fields.items()}
    return Axis(written, written) if written.partition(".")[0] in keys else None


def _axes(model: type[BaseModel], *, above: str = "") -> Iterator[Axis]:
    for name, field in model.model_fields.items():
        path = above + (field.alias or name)
        for stated in stated_axes(field.json_schema_extra):
            instead_of = stated.get("instead_of")
            yield Axis(
                name=stated["name"],
                path=f"{path}.{stated['below']}" if "below" in stated else path,
                study=tuple(stated.get("study", ())),
                instead_of=f"{above}{instead_of}" if instead_of else None,
            )
        for section in _sections(field.annotation):
            yield from _axes(section, above=f"{path}.")


def _sections(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models of a field that is a section."""
    for declared in (annotation, *get_args(annotation)):
        if isinstance(declared, type) and issubclass(declared, BaseModel):
            yield declared
