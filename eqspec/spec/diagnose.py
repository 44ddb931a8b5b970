"""Validation of a source against a pydantic model, with the location of every problem."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from eqspec.errors import Diagnostic, Location
from eqspec.spec.locate import locate, tags_of
from eqspec.spec.node import KeyPath, plain
from eqspec.spec.source import Source
from eqspec.spec.wording import Problem, mismatch, missing_key, unknown_key, worded

M = TypeVar("M", bound=BaseModel)

Naming = Callable[[KeyPath, Location], KeyPath]
"""(Path in a source, the location shown) → the name of the value in messages."""


def by_path(path: KeyPath, location: Location) -> KeyPath:  # noqa: ARG001 - a `Naming`
    """Name a value by its path in the source."""
    return path


@dataclass(frozen=True, slots=True)
class Validated(Generic[M]):
    """Result of a validation.

    Attributes:
        value: the model, or None where there is a problem.
        diagnostics: problems of the values; problems of the text itself, such as a duplicate key,
            are in the source's `problems`.
    """

    value: M | None
    diagnostics: tuple[Diagnostic, ...] = ()


def validate(
    model: type[M], source: Source, *, root: KeyPath = (), naming: Naming = by_path
) -> Validated[M]:
    """Validate a source, or the part of it at ``root``, against a model.

    The rules are those of JSON: a list may become a tuple and a text an enum, but a text does not
    become a number. A source that is not readable has no value and no further diagnostics.
    """
    if not source.readable:
        return Validated(None)
    node = source.get(root)
    assert node is not None, f"there is no value at {root}"
    return validate_data(model, plain(node), source, root=root, naming=naming)


def validate_data(
    model: type[M],
    data: JsonValue,
    source: Source,
    *,
    root: KeyPath = (),
    naming: Naming = by_path,
) -> Validated[M]:
    """Validate data that was derived from the part of a source at ``root``.

    Args:
        naming: returns the name of a value in messages; by default, its path.
    """
    try:
        value = model.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        found = diagnose(error, model, source, root=root, naming=naming)
        return Validated(None, in_order(found))
    return Validated(value)


def diagnose(
    error: ValidationError,
    model: type[BaseModel],
    source: Source,
    *,
    root: KeyPath = (),
    naming: Naming = by_path,
) -> tuple[Diagnostic, ...]:
    """Return one diagnostic for each problem that a model found in (a part of) a source."""
    problems = _without_consequences(
        [_problem(entry, model) for entry in error.errors(include_url=False)]
    )
    return tuple(
        _diagnostic(group, source, root=root, naming=naming) for group in _settled(problems)
    )


def _without_consequences(problems: list[Problem]) -> list[Problem]:
    """Leave out problems that only follow from others.

    pydantic counts the valid entries of a list, and a card with `with:` where only its bare name or
    an op may be given lacks `impl` and has two keys too many.
    """
    unknown = {p.spot.path for p in problems if p.kind == "extra_forbidden"}
    cards = {
        p.spot.path[:-1]
        for p in problems
        if p.kind == "missing"
        and p.spot.path[-1] == "impl"
        and (*p.spot.path[:-1], "use") in unknown
    }
    return [
        p
        for p in problems
        if not (p.kind == "too_short" and len(p.value) >= p.context["min_length"])
        and not (p.spot.path[:-1] in cards and p.spot.path[-1] in {"impl", "with"})
    ]


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return diagnostics without repetitions, sorted by location: none first, overrides last."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=_order))


def _order(diagnostic: Diagnostic) -> tuple[bool, str, int, int, str]:
    location = diagnostic.location
    if location is None:
        return (False, "", 0, 0, diagnostic.code)
    return (
        location.file.startswith("<"),
        location.file,
        location.line,
        location.column,
        diagnostic.code,
    )


def _problem(entry: ErrorDetails, model: type[BaseModel]) -> Problem:
    kind, context = entry["type"], entry.get("ctx", {})
    spot = locate(model, entry["loc"], unknown=kind == "extra_forbidden")
    if kind in {"union_tag_invalid", "union_tag_not_found"} and not tags_of(spot.declared):
        # A key distinguishes the members: the problem is that key, not its mapping.
        key = str(context["discriminator"]).strip("'")
        spot = replace(spot, path=(*spot.path, key), declared=None, field=None)
        kind = "missing" if kind == "union_tag_not_found" else kind
    return Problem(spot, kind, entry["msg"], entry["input"], context)


def _settled(problems: list[Problem], depth: int = 0) -> list[tuple[Problem, ...]]:
    """Group problems into one diagnostic each; unions are reduced to the most likely member.

    pydantic reports problems for every member of a union. A member whose only problem is a value
    of another type is discarded; if that is true of all, they are reported together as
    alternatives.
    """
    settled: list[tuple[Problem, ...]] = [(p,) for p in problems if len(p.spot.forks) <= depth]
    deeper = [p for p in problems if len(p.spot.forks) > depth]
    for path in dict.fromkeys(p.spot.forks[depth].path for p in deeper):
        here = [p for p in deeper if p.spot.forks[depth].path == path]
        labels = dict.fromkeys(p.spot.forks[depth].label for p in here)
        members = [[p for p in here if p.spot.forks[depth].label == label] for label in labels]
        likely = [m for m in members if not all(p.is_mismatch and p.spot.path == path for p in m)]
        if likely:
            settled += min((_settled(m, depth + 1) for m in likely), key=len)
        else:
            settled.append(tuple(here))
    return settled


def _diagnostic(
    group: tuple[Problem, ...], source: Source, *, root: KeyPath, naming: Naming
) -> Diagnostic:
    path, also = _set_elsewhere(group[0], source, (*root, *group[0].spot.path))
    location = _location(group[0], source, path)
    called = naming(path, location)
    group = tuple(replace(p, spot=replace(p.spot, path=called)) for p in group)
    problem = group[0]
    if len(group) > 1:
        wording = mismatch(group)
    elif problem.kind == "extra_forbidden":
        wording = unknown_key(problem)
    elif problem.kind == "missing":
        wording = missing_key(problem)
    else:
        wording = worded(problem)
    return Diagnostic(
        wording.code,
        wording.message,
        location,
        label=wording.label,
        help=wording.help,
        notes=wording.notes,
        also=also,
    )


def _location(problem: Problem, source: Source, path: KeyPath) -> Location:
    if problem.kind == "missing":
        return source.key(path[:-1])
    if problem.kind == "extra_forbidden" or problem.spot.of_key:
        return source.key(path)
    return source.value(path)


def _set_elsewhere(
    problem: Problem, source: Source, path: KeyPath
) -> tuple[KeyPath, tuple[tuple[Location, str], ...]]:
    """Return, of conflicting entries, the one set last, and the locations of the others.

    The entries are those named by the model's message. If all of them are in the text of one
    mapping, its own path is returned.
    """
    node = source.get(path)
    if problem.kind != "value_error" or node is None or not isinstance(node.value, Mapping):
        return path, ()
    words = set(re.findall(r"\w+", problem.message))
    places = {key: entry.node.location for key, entry in node.value.items() if key in words}
    later = [key for key, location in places.items() if location.file != node.location.file]
    if not later:
        return path, ()
    others = {key: location for key, location in places.items() if key != later[-1]}
    also = tuple((location, f"`{key}` is set here") for key, location in others.items())
    return (*path, later[-1]), also
