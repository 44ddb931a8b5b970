"""Conversion of pydantic's `loc` to the path in the file, by following it through the model.

A `loc` contains labels of union members, which are not in the file, and lacks the legal keys; the
model has both.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, RootModel, Tag
from pydantic.fields import FieldInfo

from eqspec.spec.facts import stated_axes
from eqspec.spec.node import KeyPath

Declared = Any
"""A type annotation: a class, a union, a Literal … or None if unknown."""

_KEY = "[key]"
"""Pydantic's marker of a problem with a key of a mapping, not with its value."""


@dataclass(frozen=True, slots=True)
class Fork:
    """A union on a path: its path in the file, and the member that was tried."""

    path: KeyPath
    label: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A pydantic `loc`, resolved.

    Attributes:
        path: the path in the file.
        declared: the annotation of the value there.
        field: the last field of a model on the path.
        siblings: keys that are legal in place of the last part of the path.
        inside: the model that has the siblings; None if there is none.
        forks: the unions on the path, outermost first.
        of_key: whether the problem is the key, not the value.
    """

    path: KeyPath = ()
    declared: Declared = None
    field: FieldInfo | None = None
    siblings: tuple[str, ...] = ()
    inside: Declared = None
    forks: tuple[Fork, ...] = ()
    of_key: bool = False


def locate(model: type[BaseModel], loc: tuple[str | int, ...], *, unknown: bool = False) -> Spot:
    """Follow a `loc` through a model.

    Args:
        unknown: whether it ends with a key that the model does not have.
    """
    of_key = loc[-1:] == (_KEY,) and not unknown
    spot = Spot(declared=_peeled(model))
    for part in loc[:-1] if of_key else loc:
        members = members_of(spot.declared)
        spot = _into_member(spot, members, str(part)) if members else _into_part(spot, part)
    return replace(spot, declared=str, of_key=True) if of_key else spot


def written_name(name: str, field: FieldInfo) -> str:
    """Return the key of a model's field in the file."""
    return field.alias or name


def keys_of(declared: Declared) -> tuple[str, ...]:
    """Return the keys of a model's mapping; none for other annotations."""
    if not _is_model(declared):
        return ()
    return tuple(written_name(name, field) for name, field in declared.model_fields.items())


def keys_below(
    declared: Declared, *, above: str = "", within: tuple[Declared, ...] = ()
) -> Iterator[tuple[str, str]]:
    """Yield the keys of a model's mapping and of the mappings in it, each with its dotted path.

    The short name of an axis counts as a key: `lr` leads to `optimizer.params.lr`.

    Args:
        above: start of the paths, with its dot.
        within: the models that contain this one.
    """
    bare = _peeled(declared)
    for member in members_of(bare):
        yield from keys_below(member, above=above, within=within)
    if not _is_model(bare) or bare in within:
        return
    for name, field in bare.model_fields.items():
        key = written_name(name, field)
        path = f"{above}{key}"
        yield key, path
        for axis in stated_axes(field.json_schema_extra):
            if axis["name"] != key:
                yield axis["name"], f"{path}.{axis['below']}" if "below" in axis else path
        yield from keys_below(field.annotation, above=f"{path}.", within=(*within, bare))


def choices_of(declared: Declared) -> tuple[str | int | float | bool, ...]:
    """Return the values of a Literal or an enum; none for other annotations."""
    if get_origin(declared) is Literal:
        return get_args(declared)
    if isinstance(declared, type) and issubclass(declared, Enum):
        return tuple(member.value for member in declared)
    return ()


def members_of(declared: Declared) -> tuple[Declared, ...]:
    """Return the members of a union, without None; none for other annotations."""
    if get_origin(declared) not in {Union, types.UnionType}:
        return ()
    return tuple(member for member in get_args(declared) if member is not type(None))


def _into_member(spot: Spot, members: tuple[Declared, ...], label: str) -> Spot:
    member = next((m for m in members if _has_label(m, label)), None)
    forks = (*spot.forks, Fork(spot.path, label))
    return replace(spot, declared=_peeled(member), forks=forks)


def _into_part(spot: Spot, part: str | int) -> Spot:
    path = (*spot.path, part)
    if _is_model(spot.declared):
        found = Spot(path, siblings=keys_of(spot.declared), inside=spot.declared, forks=spot.forks)
        for name, field in spot.declared.model_fields.items():
            if part in {name, written_name(name, field)}:
                return replace(found, declared=_peeled(field.annotation), field=field)
        return found
    item = _peeled(_item(spot.declared, part))
    return Spot(path, item, spot.field, forks=spot.forks)


def _item(declared: Declared, part: str | int) -> Declared:
    """Return the annotation of a container's items."""
    arguments = get_args(declared)
    origin = get_origin(declared)
    if not arguments or not isinstance(origin, type):
        return None
    if issubclass(origin, Mapping):
        return arguments[1]
    if origin is tuple and arguments[-1] is not Ellipsis and isinstance(part, int):
        return arguments[part] if part < len(arguments) else None
    return arguments[0]


def tags_of(declared: Declared) -> tuple[str, ...]:
    """Return the tags of the members of a tagged union."""
    return tuple(tag for member in members_of(declared) for tag in _tags(member))


def _tags(member: Declared) -> tuple[str, ...]:
    return tuple(m.tag for m in getattr(member, "__metadata__", ()) if isinstance(m, Tag))


def _has_label(member: Declared, label: str) -> bool:
    """Return whether a label is pydantic's for a member: tag, class name or selecting value."""
    if tags := _tags(member):
        return label in tags
    bare = _peeled(member)
    if _is_model(bare):
        chosen = [choices_of(_peeled(f.annotation)) for f in bare.model_fields.values()]
        return bare.__name__ in label or any(label in choices for choices in chosen)
    if choices_of(bare):
        return label.startswith("literal")
    return label.startswith(getattr(get_origin(bare) or bare, "__name__", "?"))


def _peeled(declared: Declared) -> Declared:
    """Return an annotation without its wrappers: aliases, Annotated, root models, `| None`."""
    while True:
        members = members_of(declared)
        if hasattr(declared, "__value__"):  # a `type` alias, typing's or typing_extensions'
            declared = declared.__value__
        elif get_origin(declared) is Annotated:
            declared = get_args(declared)[0]
        elif len(members) == 1:
            declared = members[0]
        elif _is_model(declared) and issubclass(declared, RootModel):
            declared = declared.model_fields["root"].annotation
        else:
            return declared


def _is_model(declared: Declared) -> TypeGuard[type[BaseModel]]:
    return isinstance(declared, type) and issubclass(declared, BaseModel)
