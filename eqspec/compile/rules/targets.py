"""The rule that an evaluation which reads labels or other targets has a dataset with them."""

from __future__ import annotations

from collections.abc import Iterator

from eqspec.compile.lookup.look_up import Call, Lookup
from eqspec.errors import Diagnostic
from eqspec.ops.contract.data import DatasetOp
from eqspec.ops.contract.evaluation import EvaluationOp
from eqspec.ops.targets.kinds import TargetKind
from eqspec.registry.cards import DatasetCard
from eqspec.registry.catalog import Card


def targets_where_needed(found: Lookup) -> Iterator[Diagnostic]:
    """Refuse an evaluation whose data lack what it reads, by their card or by their op.

    Where a card does not state the classes, they are known once the images are read.
    """
    for name, used in found.used.items():
        call, data = found.calls.get(name), found.cards.get(f"{name}.data")
        if call is None or not isinstance(call.op, EvaluationOp) or data is None:
            continue
        given = _declared(found.calls.get(f"{name}.data"))
        if call.op.needs_labels and (promises_no_labels(data) or _no_class(given)):
            yield Diagnostic(
                "EQ040",
                f"`{used.card.name}` needs labels, and `{data.name}` has none",
                found.source.value((*used.location.path, "use")),
                label="reads labels",
                help="evaluate on labelled data: `with: {data: cifar10}`, or train on such data",
                also=((data.source.value(("facts", "classes")), "no classes"),),
            )
        for kind in (kind for kind in call.op.targets if kind not in (given or ())):
            yield Diagnostic(
                "EQ040",
                f"`{used.card.name}` needs {kind.words}, and `{data.name}` has none",
                found.source.value((*used.location.path, "use")),
                label=f"reads {kind.words}",
                help=f"evaluate on data with {kind.words}: `with: {{data: NAME}}`",
                also=((data.source.value(("impl",)), f"declares {_listed(given)}"),),
            )


def _declared(call: Call | None) -> tuple[TargetKind, ...] | None:
    """Return what the op of a dataset declares; None if its card or op is illegal."""
    op = None if call is None else call.op
    return tuple(of.declared for of in op.targets) if isinstance(op, DatasetOp) else None


def _no_class(given: tuple[TargetKind, ...] | None) -> bool:
    """Whether an op declares targets, and no classes among them."""
    return bool(given) and TargetKind.LABEL not in (given or ())


def _listed(given: tuple[TargetKind, ...] | None) -> str:
    return ", ".join(kind.words for kind in given or ()) or "no targets besides classes"


def promises_no_labels(card: Card) -> bool:
    """Whether the card of a dataset states that its images have no labels."""
    facts = card.of(DatasetCard).model.facts
    return facts.classes == 0 and "classes" in facts.model_fields_set
