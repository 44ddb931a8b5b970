"""A parsed document as a tree of nodes: every key and value with its location."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import JsonValue

from eqspec.errors import Location

KeyPath = tuple[str | int, ...]
"""A path into nested mappings and lists: ``("evaluate", 0, "use")``."""

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its location.

    Attributes:
        place: location of the value.
        value: a scalar, the entries of a mapping, or the items of a list.
    """

    location: Location
    value: Scalar | Mapping[str, Entry] | tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The child nodes."""
        if isinstance(self.value, Mapping):
            return tuple(entry.node for entry in self.value.values())
        return self.value if isinstance(self.value, tuple) else ()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a mapping: the location of its key, and its value."""

    key: Location
    node: Node


class CannotReplace(ValueError):
    """A path leads through a value that has no such part.

    Attributes:
        path: the part of the path that exists.
        place: its location.
    """

    def __init__(self, message: str, *, path: KeyPath, location: Location) -> None:
        super().__init__(message)
        self.path = path
        self.location = location


def dotted(path: KeyPath) -> str:
    """Return a path with dots: ``evaluate[0].use``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def plain(node: Node) -> JsonValue:
    """Return the value without locations as new dicts, lists and scalars."""
    if isinstance(node.value, Mapping):
        return {key: plain(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain(item) for item in node.value]
    return node.value


def child(node: Node, part: str | int) -> Entry | None:
    """Return the entry or item at one step of a path, or None; an item's key is its location."""
    if isinstance(node.value, Mapping) and isinstance(part, str):
        return node.value.get(part)
    if isinstance(node.value, tuple) and isinstance(part, int) and 0 <= part < len(node.value):
        return Entry(key=node.value[part].location, node=node.value[part])
    return None


def replaced(node: Node, path: KeyPath, entry: Entry, *, done: KeyPath = ()) -> Node:
    """Return the tree with the value of ``entry`` at ``path``; missing mappings are created.

    The index after the last item of a list adds an item, if the path ends there.

    Raises:
        CannotReplace: the path leads through a scalar or past the end of a list.
    """
    if not path:
        return entry.node
    part, rest = path[0], path[1:]
    if isinstance(node.value, tuple):
        if part == len(node.value) and not rest:
            return Node(node.location, (*node.value, entry.node))
        if not isinstance(part, int) or not 0 <= part < len(node.value):
            raise CannotReplace(_no_item(node, part, done), path=done, location=node.location)
        items = list(node.value)
        items[part] = replaced(items[part], rest, entry, done=(*done, part))
        return Node(node.location, tuple(items))
    if not isinstance(node.value, Mapping) and node.value is not None:
        message = f"`{dotted(done)}` is `{node.value}`, which has no part `{part}`"
        raise CannotReplace(message, path=done, location=node.location)
    entries = dict(node.value or {})
    old = entries.get(str(part), Entry(entry.key, Node(entry.key, None)))
    below = replaced(old.node, rest, entry, done=(*done, part))
    entries[str(part)] = Entry(old.key if rest else entry.key, below)
    return Node(node.location, MappingProxyType(entries))


def without(node: Node, key: str) -> Node:
    """Return a mapping without one of its keys."""
    assert isinstance(node.value, Mapping), "only a mapping has keys"
    kept = {k: entry for k, entry in node.value.items() if k != key}
    return Node(node.location, MappingProxyType(kept))


def _no_item(node: Node, part: str | int, path: KeyPath) -> str:
    assert isinstance(node.value, tuple), "only a list has items"
    present = f"0 to {len(node.value) - 1}" if node.value else "none, it is empty"
    return f"`{dotted(path)}` is a list without an entry `{part}` (its entries: {present})"
