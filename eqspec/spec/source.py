"""Reads YAML strictly and remembers the line and column of every key and value.

Strict means: YAML 1.2 scalars, no duplicate keys, no tags, no merge keys, one document, text keys
only; size, depth and what aliases expand to are bounded. Whatever is wrong becomes a diagnostic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import JsonValue

from eqspec.errors import Diagnostic, Place
from eqspec.spec import node as nodes
from eqspec.spec.node import Entry, KeyPath, Node
from eqspec.spec.reader import Reader, Unreadable


@dataclass(frozen=True, slots=True)
class Source:
    """What a person wrote, with places.

    Attributes:
        name: the path as the user gave it, or a name such as ``<cli>:--set #2``.
        root: the tree of what was written.
        problems: what is wrong with it as YAML.
        readable: False when reading had to stop, so that ``root`` says nothing.
    """

    name: str
    root: Node
    problems: tuple[Diagnostic, ...] = ()
    readable: bool = True

    @property
    def data(self) -> JsonValue:
        """Everything as plain dicts, lists and scalars; a fresh copy each time."""
        return nodes.plain(self.root)

    def get(self, path: KeyPath) -> Node | None:
        """The node at a path, or None."""
        entry = self._entry(path)
        return entry.node if entry else None

    def key(self, path: KeyPath) -> Place:
        """Where the key at a path stands; of a list's item, the item. Else the nearest parent's."""
        entry = self._entry(path)
        return entry.key if entry else self.key(path[:-1])

    def value(self, path: KeyPath) -> Place:
        """Where the value at a path stands, or else the nearest parent's."""
        entry = self._entry(path)
        return entry.node.place if entry else self.value(path[:-1])

    def graft(self, path: KeyPath, entry: Entry) -> Source:
        """This source with another value (and its places) at a path.

        Raises:
            CannotReplace: when the path leads through a scalar or past the end of a list.
        """
        return replace(self, root=nodes.replaced(self.root, path, entry))

    def without(self, key: str) -> Source:
        """This source, which is a mapping, without one of its top-level keys."""
        return replace(self, root=nodes.without(self.root, key))

    def _entry(self, path: KeyPath) -> Entry | None:
        entry: Entry | None = Entry(self.root.place, self.root)
        for part in path:
            entry = nodes.child(entry.node, part) if entry else None
        return entry


def read_yaml(text: str, *, name: str, prefix: str = "") -> Source:
    """Read one YAML document; never raises for what the text holds.

    Args:
        text: the document.
        name: what to call it in diagnostics, usually its path.
        prefix: what stands before it on its first line where the user sees it (the ``path=`` of
            an override): shown in excerpts and counted in columns.
    """
    reader = Reader(text, name=name, prefix=prefix)
    try:
        root = reader.document()
    except Unreadable as stop:
        empty = Node(reader.page.start, None)
        return Source(name, empty, (*reader.problems, stop.diagnostic), readable=False)
    return Source(name, root, tuple(reader.problems))
