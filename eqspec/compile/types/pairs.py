"""Pairs of stored views, and the transform between them, as plan data."""

from __future__ import annotations

from pydantic import JsonValue

from eqspec.compile.types.graph import Frozen


class RelationPlan(Frozen):
    """How the latents of two stored views become the action between them.

    Attributes:
        names: of the action's numbers.
    """

    impl: str
    params: dict[str, JsonValue]
    names: tuple[str, ...]


class PairPlan(Frozen):
    """Views are made from two stored views of a sample in turn: even ones from the first.

    Attributes:
        latents: numbers stored with each.
        relation: what lies between them, where the graph may read it.
    """

    latents: int
    relation: RelationPlan | None = None
