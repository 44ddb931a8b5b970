"""Choice among the alternatives of a rewrite, by what the method provides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from eqspec.compile.types.error import GraphError
from eqspec.registry.cards import EquivarianceCard, MethodCard
from eqspec.registry.grammar import Addition, Needs

_T = TypeVar("_T")


def carried_out(card: EquivarianceCard, method: MethodCard) -> EquivarianceCard:
    """Return the rewrite with one alternative chosen for every `either`.

    Raises:
        GraphError: the method refuses rewrites, or lacks a part that this one needs.
    """
    if method.equivariance is not None:
        raise GraphError(("equivariance",), method.equivariance.refused)
    missing = lacking(card.needs, method)
    if missing:
        raise GraphError(
            ("equivariance",),
            f"this rewrite needs {_listed(missing)}, which the method does not have",
            help="choose a method that has it; `eqspec list methods` shows them",
        )
    add, rewire = card.add, dict(card.rewire)
    for name, ways in card.either.items():
        way = next((way for way in ways if not lacking(way.needs, method)), None)
        if way is None:
            needs = "; or ".join(_listed(lacking(way.needs, method)) for way in ways)
            raise GraphError(
                ("either", name), f"no `{name}` of this rewrite suits the method: it lacks {needs}"
            )
        add, rewire = _joined(add, way.add), {**rewire, **way.rewire}
    return card.model_copy(update={"add": add, "rewire": rewire, "either": {}, "needs": Needs()})


def lacking(needs: Needs, method: MethodCard) -> tuple[tuple[str, str], ...]:
    """Return (kind, name) of every needed part that the method does not declare."""
    wanted: tuple[tuple[str, list[str], Mapping[str, object]], ...] = (
        ("term", needs.terms, method.terms),
        ("module", needs.modules, method.modules),
        ("stream", needs.streams, method.flow),
    )
    return tuple(
        (kind, name) for kind, names, there in wanted for name in names if name not in there
    )


def _listed(missing: tuple[tuple[str, str], ...]) -> str:
    """``the term `variance`, `covariance` and the module `projector```."""
    kinds = dict.fromkeys(kind for kind, _ in missing)
    parts = [f"the {k} {', '.join(f'`{n}`' for kind, n in missing if kind == k)}" for k in kinds]
    return " and ".join(parts)


def _joined(first: Addition, second: Addition) -> Addition:
    """Merge two additions that declare different names."""
    return Addition(
        views=_both(first.views, second.views),
        modules=_both(first.modules, second.modules),
        flow=_both(first.flow, second.flow),
        terms=_both(first.terms, second.terms),
    )


def _both(first: Mapping[str, _T], second: Mapping[str, _T]) -> dict[str, _T]:
    twice = [name for name in second if name in first]
    if twice:
        raise GraphError(("add",), f"`{twice[0]}` is added twice by this rewrite")
    return {**first, **second}
