"""Strict YAML reading that keeps the line and column of every key and value.

Strict means: YAML 1.2 scalars, no duplicate keys, no tags, no merge keys, one document, text keys
only; size, depth and the expansion of aliases are bounded. Every problem becomes a diagnostic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import JsonValue

from eqspec.errors import Diagnostic, Location
from eqspec.spec import node as nodes
from eqspec.spec.node import Entry, KeyPath, Node
from eqspec.spec.reader import Reader, Unreadable


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed document with locations.

    Attributes:
        name: the path as the user gave it, or a name such as ``<cli>:--set #2``.
        root: the tree of the document.
        problems: errors in the YAML itself.
        readable: False where parsing failed, so that ``root`` is empty.
    """

    name: str
    root: Node
    problems: tuple[Diagnostic, ...] = ()
    readable: bool = True

    @property
    def data(self) -> JsonValue:
        """The document as plain dicts, lists and scalars; a new copy each time."""
        return nodes.plain(self.root)

    def get(self, path: KeyPath) -> Node | None:
        """Return the node at a path, or None."""
        entry = self._entry(path)
        return entry.node if entry else None

    def key(self, path: KeyPath) -> Location:
        """Return the location of the key (or list item) at a path, or of the nearest parent."""
        entry = self._entry(path)
        return entry.key if entry else self.key(path[:-1])

    def value(self, path: KeyPath) -> Location:
        """Return the location of the value at a path, or of the nearest parent."""
        entry = self._entry(path)
        return entry.node.location if entry else self.value(path[:-1])

    def graft(self, path: KeyPath, entry: Entry) -> Source:
        """Return this source with another value (and its locations) at a path.

        Raises:
            CannotReplace: the path leads through a scalar or past the end of a list.
        """
        return replace(self, root=nodes.replaced(self.root, path, entry))

    def without(self, key: str) -> Source:
        """Return this source, which is a mapping, without one of its top-level keys."""
        return replace(self, root=nodes.without(self.root, key))

    def _entry(self, path: KeyPath) -> Entry | None:
        entry: Entry | None = Entry(self.root.location, self.root)
        for part in path:
            entry = nodes.child(entry.node, part) if entry else None
        return entry


def read_yaml(text: str, *, name: str, prefix: str = "") -> Source:
    """Read one YAML document; problems become diagnostics, never exceptions.

    Args:
        text: the document.
        name: used in diagnostics, usually its path.
        prefix: text before it on its first line as the user sees it (the ``path=`` of
            an override): shown in excerpts and counted in columns.
    """
    reader = Reader(text, name=name, prefix=prefix)
    try:
        root = reader.document()
    except Unreadable as stop:
        empty = Node(reader.page.start, None)
        return Source(name, empty, (*reader.problems, stop.diagnostic), readable=False)
    return Source(name, root, tuple(reader.problems))
