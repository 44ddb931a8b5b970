"""The page of cards: one table per family, and the text of every card."""

from __future__ import annotations

from collections.abc import Iterator

from docs.generate.markdown import code, fence, line, table
from eqspec.commands.list import Entry, entries
from eqspec.commands.show.card import CardPage, show
from eqspec.registry.cards import FAMILIES

INTRODUCTION = """\
# Cards

A card is a named choice in `registry/<family>/<name>.yaml`: numbers and wiring with their source,
no code. `eqspec list FAMILY` prints these tables, `eqspec show NAME` one card. *Status* is `proved`
where terms, gradients and schedules were compared with the authors' code, `ours` where no paper
gives the numbers, `toy` where a card only runs. The [grammar](../grammar.md) explains how a card is
written.
"""

HEAD = ("card", "about", "rev", "status", "paper")


def page() -> str:
    """Return the page."""
    return "\n\n".join((INTRODUCTION.rstrip(), *map(_family, FAMILIES))) + "\n"


def _family(family: str) -> str:
    found = entries(family)
    head = "\n".join((f"## {family}", "", *table(HEAD, map(_row, found))))
    return "\n\n".join((head, *_texts(found)))


def _row(entry: Entry) -> tuple[str, ...]:
    paper = line(entry.paper or "")
    return code(entry.name), line(entry.about), str(entry.rev), entry.status or "", paper


def _texts(found: tuple[Entry, ...]) -> Iterator[str]:
    for entry in found:
        (page, *_) = show(entry.name, family=entry.family)
        assert isinstance(page, CardPage), "cards come first"
        text = fence(page.text, language="yaml").replace("\n", "\n    ")
        yield f'??? note "{entry.family}/{entry.name}.yaml"\n\n    {text}'
