"""The rule that an evaluation which reads labels has a labelled dataset."""

from __future__ import annotations

from collections.abc import Iterator

from eqspec.compile.lookup.look_up import Lookup
from eqspec.errors import Diagnostic
from eqspec.ops.contract.evaluation import EvaluationOp
from eqspec.registry.cards import DatasetCard
from eqspec.registry.catalog import Card


def labels_where_needed(found: Lookup) -> Iterator[Diagnostic]:
    """Refuse an evaluation that reads labels on a dataset whose card states `classes: 0`.

    Where a card does not state the classes, they are known once the images are read.
    """
    for name, used in found.used.items():
        call, data = found.calls.get(name), found.cards.get(f"{name}.data")
        needs = call is not None and isinstance(call.op, EvaluationOp) and call.op.needs_labels
        if data is None or not needs or not promises_no_labels(data):
            continue
        yield Diagnostic(
            "EQ040",
            f"`{used.card.name}` needs labels, and `{data.name}` has none",
            found.source.value((*used.location.path, "use")),
            label="reads labels",
            help="evaluate on labelled data: `with: {data: cifar10}`, or train on such data",
            also=((data.source.value(("facts", "classes")), "no classes"),),
        )


def promises_no_labels(card: Card) -> bool:
    """Whether the card of a dataset states that its images have no labels."""
    facts = card.of(DatasetCard).model.facts
    return facts.classes == 0 and "classes" in facts.model_fields_set
