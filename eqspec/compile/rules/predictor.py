"""The rule that an evaluation of a predictor has a rewrite with one."""

from __future__ import annotations

from collections.abc import Iterator

from eqspec.compile.lookup.look_up import Lookup
from eqspec.errors import Diagnostic
from eqspec.ops.contract.evaluation import EvaluationOp
from eqspec.registry.cards import EquivarianceCard
from eqspec.spec.node import KeyPath

_AT: KeyPath = ("equivariance",)


def predictor_where_needed(found: Lookup) -> Iterator[Diagnostic]:
    """Refuse an evaluation of predictions where the rewrite makes none."""
    card = found.cards.get("equivariance")
    if card is not None and card.of(EquivarianceCard).model.predicts is not None:
        return
    node = found.source.get(_AT)
    if card is None and node is not None and node.value not in (None, "none"):
        return  # an unknown card, which is reported
    for name, used in found.used.items():
        call = found.calls.get(name)
        if call is None or not isinstance(call.op, EvaluationOp) or not call.op.needs_predictor:
            continue
        has = "the spec has no rewrite" if card is None else f"`{card.name}` makes none"
        use = (*_AT, "use")
        label = "no rewrite" if card is None else "has no `predicts` on its card"
        also = () if node is None else ((found.source.value(_AT if card is None else use), label),)
        yield Diagnostic(
            "EQ024",
            f"`{used.card.name}` reads predictions of a rewrite, and {has}",
            found.source.value((*used.location.path, "use")),
            label="reads predictions",
            help="leave it out, or choose a rewrite with a predictor: `sie`, `equimod` or `stl`",
            also=also,
        )
