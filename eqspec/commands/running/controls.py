"""What separates the causes of a difference: the same views without the reconstruction, and none.

A method with a rewrite differs from the plain method in two ways: it sees transformed views, and it
is asked for more. With λ = 0 it sees the same views and is asked for nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pydantic import JsonValue

    from eqspec.compile.types.plan import Plan

_SECTION = "equivariance"
_APART = frozenset({"about", "evaluate", "machine", "keep"})
"""Keys of a resolved spec that do not change the weights."""


class Compared(Protocol):
    """A run with a name and a plan."""

    @property
    def name(self) -> str:
        """Its name in the comparison."""
        ...

    @property
    def plan(self) -> Plan:
        """Its plan."""
        ...


@dataclass(frozen=True, slots=True)
class Contrast:
    """A difference to report.

    Attributes:
        of, over: names of the two runs; the difference is `of` minus `over`.
        cause: what the difference is due to, in words; empty where several things differ.
    """

    of: str
    over: str
    cause: str = ""

    @property
    def row(self) -> str:
        """The name of its row."""
        return f"{self.of} − {self.over}"


def contrasts(runs: Sequence[Compared]) -> Iterator[Contrast]:
    """Yield the last run minus each other one; and λ = 0 minus the plain method, if both are there.

    Args:
        runs: the runs of a comparison, the one of the spec itself last.
    """
    *others, own = runs
    unasked = next((one for one in others if _is_unasked(one.plan, of=own.plan)), None)
    plain = next((one for one in others if _is_plain(one.plan, of=own.plan)), None)
    if unasked is None:
        yield from (Contrast(own.name, one.name) for one in others)
        return
    yield Contrast(own.name, unasked.name, "is due to the added loss: both see the same views")
    if plain is not None:
        yield Contrast(unasked.name, plain.name, "is due to the views: neither has the added loss")
    yield from (Contrast(own.name, one.name) for one in others if one is not unasked)


def cause_sentences(found: Sequence[Contrast]) -> Iterator[str]:
    """Yield a sentence for each contrast with a single cause."""
    for one in found:
        if one.cause:
            yield f"{one.row} {one.cause}."


def _is_unasked(plan: Plan, *, of: Plan) -> bool:
    """Whether a plan is another one with λ = 0."""
    section, whole = _rewrite(plan), _rewrite(of)
    if section is None or whole is None or section.get("lambda") != 0 or not whole.get("lambda"):
        return False
    alike = {k: v for k, v in section.items() if k != "lambda"} == {
        k: v for k, v in whole.items() if k != "lambda"
    }
    return alike and _rest(plan) == _rest(of)


def _is_plain(plan: Plan, *, of: Plan) -> bool:
    """Whether a plan is another one without its rewrite."""
    return _rewrite(plan) is None and _rewrite(of) is not None and _rest(plan) == _rest(of)


def _rewrite(plan: Plan) -> Mapping[str, JsonValue] | None:
    section = plan.resolved.get(_SECTION)
    return section if isinstance(section, Mapping) else None


def _rest(plan: Plan) -> Mapping[str, JsonValue]:
    return {k: v for k, v in plan.resolved.items() if k != _SECTION and k not in _APART}
