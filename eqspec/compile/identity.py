"""Recipe ids: hashes of everything that changes the weights, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NewType

from pydantic import JsonValue

from eqspec.compile.lookup.resolve import Resolved
from eqspec.compile.types.initial_weights import InitPlan, PublishedPlan
from eqspec.compile.types.provenance import Provenance
from eqspec.compile.types.view_plan import ViewPlan
from eqspec.ops.find import find_dataset
from eqspec.ops.op import how_it_runs_fields
from eqspec.registry.cards import DatasetCard
from eqspec.registry.catalog import Card

RecipeId = NewType("RecipeId", str)
"""Hash of everything that changes the weights, but the seed; 64 hex digits."""

FOLDER_DIGITS = 8
"""Digits of a recipe that name its run folder."""

_DESCRIPTIVE = frozenset({"name", "about", "notes", "paper", "licence", "status"})
"""Keys of any card on which no weight depends."""

_DESCRIPTIVE_OF = MappingProxyType(
    {
        "backbones": {"facts"},
        "datasets": {"fingerprint", "parts"},
        "equivariance": {"predicts"},  # only evaluations read it
    }
)
"""The same of the cards of one family alone."""


def hashed(content: dict[str, JsonValue]) -> str:
    """SHA-256 of plain data in canonical form: sorted keys, shortest numbers, no spaces."""
    text = json.dumps(_canonical(content), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def folder_name(recipe: str, *, seed: int) -> str:
    """Name of the run folder of a recipe and a seed."""
    return f"{recipe[:FOLDER_DIGITS]}-s{seed}"


def _canonical(value: JsonValue) -> JsonValue:
    """Whole floats become integers, so that ``1`` and ``1.0`` are one value."""
    if isinstance(value, dict):
        return {key: _canonical(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_canonical(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def start_content(
    init: InitPlan | None, published: PublishedPlan | None, *, views: ViewPlan
) -> dict[str, JsonValue]:
    """The part of a recipe that identifies its initial weights; empty where they are random.

    For published weights it includes the normalisation of pixels, which then does not follow the
    dataset. While they are neither downloaded nor pinned by a hash, their name takes its place:
    nothing runs under such an id.
    """
    if published is None:
        return {} if init is None else {"init_from": init.sha256}
    layout = published.layout
    return {
        "init": {
            "sha256": published.sha256 or f"not here: {published.weights}",
            "layout": None if layout is None else {"name": layout.name, "rev": layout.rev},
            "part": None if layout is None else layout.part,
            "mean": list(views.mean),
            "std": list(views.std),
        }
    }


def recipe_content(
    resolved: Resolved,
    *,
    provenance: Iterable[Provenance],
    start: Mapping[str, JsonValue] | None = None,
) -> dict[str, JsonValue]:
    """The content that a recipe id hashes: values that differ from the neutral one, and revs.

    An op counts by its rev, not by its text, and a card by its numbers: neither a comment nor a
    reworded sentence is another recipe.
    """
    spec = resolved.spec
    cards: dict[str, JsonValue] = {p: _numbers(card) for p, card in resolved.cards.items()}
    ops: dict[str, JsonValue] = {
        f"{p.family}/{p.name}": p.rev for p in provenance if p.kind == "op"
    }
    equivariance: JsonValue = "none"
    if not isinstance(spec.equivariance, str):
        named = {"use", "transform", "with_"}  # part of `cards`
        equivariance = spec.equivariance.model_dump(
            mode="json", by_alias=True, exclude_defaults=True, exclude=named
        )
    trained: JsonValue = "no"
    if spec.train is not None:
        trained = spec.train.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {
        **(start or {}),
        "data": resolved.cards["data"].name,
        "image": resolved.image,
        "cards": cards,
        "ops": ops,
        "equivariance": equivariance,
        "train": trained,
    }


def descriptive_keys(family: str) -> frozenset[str]:
    """Keys of a card that no id depends on.

    Of a backbone, facts are only checked, or recorded with published weights (`start_content`); how
    closely images are looked at changes none of them.
    """
    return _DESCRIPTIVE | _DESCRIPTIVE_OF.get(family, set())


def _numbers(card: Card) -> dict[str, JsonValue]:
    """A card's values without descriptions, and without parameters of how its data are read."""
    numbers = card.model.model_dump(
        mode="json",
        by_alias=True,
        exclude_defaults=True,
        exclude={*descriptive_keys(card.family), "init"},
    )
    if isinstance(card.model, DatasetCard):
        params = data_numbers(card.model.impl, card.model.params)
        numbers = {key: value for key, value in numbers.items() if key != "params"}
        return {**numbers, "params": params} if params else numbers
    return numbers


def data_numbers(impl: str, params: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The parameters of a dataset that can change a result."""
    how = how_it_runs_fields(find_dataset(impl).Params)
    return {key: value for key, value in params.items() if key not in how}
