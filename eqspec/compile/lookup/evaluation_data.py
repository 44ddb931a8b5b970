"""Which data an evaluation judges on: what the spec trains on, unless it names other data."""

from __future__ import annotations

from eqspec.errors import Diagnostic, SpecError
from eqspec.registry.cards import DatasetCard, EvaluationCard
from eqspec.registry.catalog import Card, Catalog, UnknownCard, check_card, need_only_its_own
from eqspec.spec.source import Source


def judged_data(card: Card, catalog: Catalog, *, own: Card) -> Card:
    """The dataset card of an evaluation.

    Args:
        card: the evaluation's.
        catalog: where a name is looked up.
        own: card of the data that the spec trains on.

    Raises:
        SpecError: when the evaluation names data that do not exist.
    """
    assert isinstance(card.model, EvaluationCard), "read as one"
    named = card.model.data
    if named is None:
        return own
    if not isinstance(named, str):
        node = card.source.get(("data",))
        assert node is not None, "the card has it"
        body = Source(name=card.source.name, root=node)
        name = str(named.root.get("name", "inline-datasets"))
        found = check_card(DatasetCard, body, name=name)
        need_only_its_own(found)
        return found
    try:
        return catalog.card(DatasetCard, named)
    except UnknownCard as error:
        place = card.source.value(("data",))
        raise SpecError((Diagnostic("EQ010", error.message, place, help=error.help),)) from None
