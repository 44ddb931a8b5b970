"""The rule that an evaluation which reads labels stands beside data that have some."""

from __future__ import annotations

from collections.abc import Iterator

from eqspec.compile.lookup.look_up import Lookup
from eqspec.errors import Diagnostic
from eqspec.ops.contract.evaluation import EvaluationOp
from eqspec.registry.cards import DatasetCard
from eqspec.registry.catalog import Card


def labels_where_needed(found: Lookup) -> Iterator[Diagnostic]:
    """Refuses an evaluation that reads labels on data whose card says that they have none.

    A card that says nothing of classes leaves it open until the images are read.
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
            help="judge it on labelled data: `with: {data: cifar10}`, or train on such data",
            also=((data.source.value(("facts", "classes")), "no classes"),),
        )


def promises_no_labels(card: Card) -> bool:
    """Whether a dataset's card says that its images have no labels."""
    assert isinstance(card.model, DatasetCard), "read as one"
    facts = card.model.facts
    return facts.classes == 0 and "classes" in facts.model_fields_set
