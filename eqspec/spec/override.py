"""Overrides of values by dotted path: `--set train.batch=64`, and variants of `compare:`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from eqspec.errors import Diagnostic, Location
from eqspec.spec.controls import CONTROL_VARIANTS, CONTROLS
from eqspec.spec.node import CannotReplace, Entry, KeyPath, Node
from eqspec.spec.reader import MAX_DEPTH
from eqspec.spec.source import Source, read_yaml

COMPARE = "compare"
_DOTTED_BELOW = "with"
_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Override:
    """One `--set`, as it was given.

    Attributes:
        name: its name in diagnostics, ``<cli>:--set #1`` for the first.
        path: the path that it sets, as given.
        text: the whole argument.
    """

    name: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Argument:
    """Text that an option other than `--set` puts into a spec.

    Attributes:
        name: its name in diagnostics, such as ``<cli>:--use``.
        path: of the value in the spec.
        text: the argument of the option.
    """

    name: str
    path: KeyPath
    text: str


def with_arguments(source: Source, arguments: Sequence[Argument]) -> Source:
    """Return a source with the arguments of other options put in."""
    for one in arguments:
        there = Location(one.name, 1, 1, len(one.text) + 1, one.text)
        source = source.graft(one.path, Entry(there, Node(there, one.text)))
    return source


def overridden(source: Source, texts: Sequence[str]) -> Source:
    """Return a source with `path=value` arguments applied in order; failures join its problems."""
    for number, text in enumerate(texts, start=1):
        source = _set(source, text, name=override_name(number))
    return source


def override_name(number: int) -> str:
    """Return the name of the n-th `--set`, from 1, in diagnostics and origins."""
    return f"<cli>:--set #{number}"


def variants(source: Source) -> Mapping[str, Source]:
    """Each variant under `compare:` as a source of its own, by name and in order."""
    written = source.get((COMPARE,))
    if written is None:
        return {}
    base = source.without(COMPARE)
    if written.value == CONTROLS:
        at = written.location
        return {
            name: _variant(base, {p: Entry(at, Node(at, value)) for p, value in changes.items()})
            for name, changes in CONTROL_VARIANTS.items()
        }
    if not isinstance(written.value, Mapping):
        return {}
    return {
        name: _variant(base, entry.node.value)
        for name, entry in written.value.items()
        if isinstance(entry.node.value, Mapping)
    }


def key_path(source: Source, text: str) -> KeyPath:
    """Return a dotted path as a path into a source.

    Numbers enter lists. Below `with`, and below a variant's name under `compare`, the rest is one
    key, since these mappings have dotted keys themselves.

    Raises:
        ValueError: when a part of the path is empty.
    """
    refuse_long_path(text)
    parts = text.split(".")
    if not all(parts):
        raise ValueError(f"`{text}` is not a path: write keys with single dots between them")
    path: KeyPath = ()
    for index, part in enumerate(parts):
        if path[-1:] == (_DOTTED_BELOW,) or (path[:1] == (COMPARE,) and len(path) == 2):
            return (*path, ".".join(parts[index:]))
        node = source.get(path)
        in_list = node is not None and isinstance(node.value, tuple)
        path = (*path, int(part) if in_list and is_index(part) else part)
    return path


def refuse_long_path(text: str) -> None:
    """Check that a dotted path is not longer than any spec is deep.

    Raises:
        ValueError: the path is too deep.
    """
    parts = text.count(".") + 1
    if parts > MAX_DEPTH:
        raise ValueError(f"a path of {parts} parts; at most {MAX_DEPTH} are allowed")


def is_index(part: str) -> bool:
    """Return whether a part of a path can be the index of a list item."""
    return part.isascii() and part.isdecimal() and len(part) <= _MOST_DIGITS


def _set(source: Source, text: str, *, name: str) -> Source:
    path, equals, value = text.partition("=")
    argument = Location(name, 1, 1, len(text) + 1, text)
    if not equals:
        help_ = "write `path=value`, as in `train.batch=64`"
        return _with(source, Diagnostic("EQ008", f"`{text}` sets nothing", argument, help=help_))
    given = read_yaml(value, name=name, prefix=f"{path}=")
    if given.problems:
        return _with(source, *given.problems)
    key = replace(argument, end_column=len(path) + 1)
    return _placed(source, path, Entry(key, given.root))


def _variant(base: Source, changes: Mapping[str, Entry]) -> Source:
    variant = replace(base, problems=())
    for path, entry in changes.items():
        if path.split(".")[0] == COMPARE:
            message = "a variant cannot have variants of its own"
            variant = _with(variant, Diagnostic("EQ008", message, entry.key))
        else:
            variant = _placed(variant, path, entry)
    return variant


def _placed(source: Source, path: str, entry: Entry) -> Source:
    try:
        return source.graft(key_path(source, path), entry)
    except ValueError as error:
        also = ((error.location, "has no such part"),) if isinstance(error, CannotReplace) else ()
        problem = Diagnostic("EQ008", str(error), entry.key, label="no such place", also=also)
        return _with(source, problem)


def _with(source: Source, *diagnostics: Diagnostic) -> Source:
    return replace(source, problems=(*source.problems, *diagnostics))
