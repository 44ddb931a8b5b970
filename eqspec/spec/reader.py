"""Parser of one YAML document into a tree of nodes, from PyYAML's events."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import yaml

from eqspec.errors import Diagnostic, Location
from eqspec.spec.node import Entry, Node
from eqspec.spec.page import Page
from eqspec.spec.scalars import STR, UnfitScalar, Yaml12Loader, scalar

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 50
MAX_NODES = 10_000

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Unreadable(Exception):
    """The document cannot be read; the diagnostic explains why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class Reader:
    """Parser of one document; ``problems`` collects errors that do not stop it."""

    _loader: Yaml12Loader

    def __init__(self, text: str, *, name: str, prefix: str) -> None:
        text = text.removeprefix("\ufeff")
        self.page = Page(text, name=name, prefix=prefix)
        self.problems: list[Diagnostic] = []
        self._text = text
        self._anchors: dict[str, Node] = {}
        self._count = 0

    def document(self) -> Node:
        """Return the root of the document.

        Raises:
            Unreadable: the text is not YAML, is empty, or exceeds a limit.
        """
        self._check_text()
        self._loader = Yaml12Loader(self._text)
        try:
            return self._document()
        except yaml.YAMLError as error:
            raise Unreadable(self._syntax_error(error)) from error
        finally:
            self._loader.dispose()

    def _check_text(self) -> None:
        if len(self._text) > MAX_CHARACTERS:
            message = f"the text is too long: {len(self._text):,} characters"
            help_ = f"at most {MAX_CHARACTERS:,} are read"
            raise Unreadable(Diagnostic("EQ006", message, self.page.start, help=help_))
        bad = _UNPRINTABLE.search(self._text)
        if bad:
            message = f"the character U+{ord(bad.group()):04X} is not allowed in YAML"
            raise Unreadable(Diagnostic("EQ004", message, self.page.at(bad.start())))

    def _document(self) -> Node:
        self._next()  # the stream's start
        start = self._next()
        root = None
        if isinstance(start, yaml.DocumentStartEvent):
            root = self._node(self._next(), depth=1)
            self._next()  # the document's end
            following = self._next()
            if isinstance(following, yaml.DocumentStartEvent):
                self._refuse(
                    "a second document", self.page.location(following), "one file, one spec"
                )
        if root is None or (
            root.value is None and root.location.column == root.location.end_column
        ):
            raise Unreadable(Diagnostic("EQ007", "the file is empty", self.page.start))
        return root

    def _next(self) -> yaml.Event:
        return self._loader.get_event()

    def _node(self, event: yaml.Event, *, depth: int) -> Node:
        location = self.page.location(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, location, depth=depth)
        assert isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent))
        self._grow(location, depth=depth)
        if event.tag is not None:
            self._refuse(f"the tag `{event.tag}`", location, "leave the tag out")
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, location)
        elif isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(event, depth=depth)
        else:
            node = self._sequence(event, depth=depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _grow(self, location: Location, *, depth: int) -> None:
        self._count += 1
        if depth > MAX_DEPTH:
            message = f"this is nested more than {MAX_DEPTH} deep"
            raise Unreadable(Diagnostic("EQ006", message, location))
        if self._count > MAX_NODES:
            message = f"there are more than {MAX_NODES:,} values, with aliases expanded"
            raise Unreadable(Diagnostic("EQ006", message, location))

    def _alias(self, anchor: str, location: Location, *, depth: int) -> Node:
        node = self._anchors.get(anchor)
        if node is None:
            message = f"the alias `*{anchor}` has no anchor `&{anchor}` that ends before it"
            raise Unreadable(Diagnostic("EQ004", message, location))
        self._grow_by(node, location, depth=depth)
        return replace(node, location=location)

    def _grow_by(self, node: Node, location: Location, *, depth: int) -> None:
        """Count an alias like its target, so that the expansion of aliases is bounded."""
        self._grow(location, depth=depth)
        for child in node.children:
            self._grow_by(child, location, depth=depth + 1)

    def _scalar(self, event: yaml.ScalarEvent, location: Location) -> Node:
        tag = self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        try:
            return Node(location, scalar(tag if event.tag is None else STR, event.value))
        except UnfitScalar as error:
            help_ = "put it in quotes if it is a text"
            self.problems.append(Diagnostic("EQ014", str(error), location, help=help_))
            return Node(location, 0 if tag != STR else "")

    def _sequence(self, start: yaml.CollectionStartEvent, *, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, depth=depth + 1))
        return Node(self.page.location(start, event), tuple(items))

    def _mapping(self, start: yaml.MappingStartEvent, *, depth: int) -> Node:
        entries: dict[str, Entry] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            location = self.page.location(event)
            key = self._key(event, depth=depth)
            node = self._node(self._next(), depth=depth + 1)
            if key is None:
                continue
            if key in entries:
                self._duplicate(key, location, first=entries[key].key)
            else:
                entries[key] = Entry(location, _placed_by_key(node, location))
        return Node(self.page.location(start, event), MappingProxyType(entries))

    def _key(self, event: yaml.Event, *, depth: int) -> str | None:
        location = self.page.location(event)
        node = self._node(event, depth=depth + 1)
        merges = isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value == "<<"
        if merges:
            self._refuse("the merge key `<<`", location, "write the keys out")
        elif isinstance(event, yaml.AliasEvent) or not isinstance(node.value, str):
            self._refuse("a key that is not a text", location, "put the key in quotes")
        else:
            return node.value
        return None

    def _duplicate(self, key: str, location: Location, *, first: Location) -> None:
        self.problems.append(
            Diagnostic(
                "EQ003",
                f"duplicate key `{key}`",
                location,
                label="set again here",
                help="delete one of them; most YAML readers keep the last without a warning",
                also=((first, "first set here"),),
            )
        )

    def _refuse(self, what: str, location: Location, help_: str) -> None:
        self.problems.append(Diagnostic("EQ005", f"{what} is not supported", location, help=help_))

    def _syntax_error(self, error: yaml.YAMLError) -> Diagnostic:
        marked = error if isinstance(error, yaml.MarkedYAMLError) else yaml.MarkedYAMLError()
        problem = " ".join((marked.problem or str(error)).split())
        location = self.page.mark(marked.problem_mark)
        also: tuple[tuple[Location, str], ...] = ()
        if marked.context and marked.context_mark:
            started = self.page.mark(marked.context_mark)
            also = ((started, marked.context),) if started.line != location.line else ()
        message, advice = f"this is not YAML: {problem}", _advice(location, problem)
        return Diagnostic("EQ004", message, location, help=advice, also=also)


def _advice(location: Location, problem: str) -> str | None:
    indentation = location.excerpt[: len(location.excerpt) - len(location.excerpt.lstrip())]
    if "\t" in indentation or "\\t" in problem:
        return "indent with spaces, not tabs"
    if "mapping values are not allowed" in problem:
        return "put a text that contains `: ` in quotes, or check the indentation above"
    return None


def _placed_by_key(node: Node, key: Location) -> Node:
    """Move the location of an empty value, or of a block below its key, to the key."""
    empty = node.value is None and node.location.column == node.location.end_column
    below = isinstance(node.value, (Mapping, tuple)) and node.location.line != key.line
    return replace(node, location=key) if empty or below else node
