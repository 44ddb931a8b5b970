"""Datasets that store pairs of views: the rules that they imply, and their part of a plan.

Where a sample is an object in several stored views, two of them are a pair. An op of the family
`relations` computes the transform between them from their latents. No parameter is drawn, and there
are no images in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from pydantic import ValidationError

from eqspec.compile.lookup.ops import checked_params, op_in_use
from eqspec.compile.lookup.resolve import Resolved
from eqspec.compile.lookup.rewrite_inputs import BETWEEN, streams_read
from eqspec.compile.types.pairs import PairPlan, RelationPlan
from eqspec.errors import Diagnostic, Location
from eqspec.ops.contract.data import DatasetOp
from eqspec.ops.find import find_dataset, find_relation, op_names
from eqspec.ops.op import DatasetParams, OpParams
from eqspec.registry.cards import DatasetCard, EquivarianceCard, TransformCard
from eqspec.registry.catalog import Card
from eqspec.spec.node import KeyPath
from eqspec.spec.source import Source

RELATIONS = "relations"

_Params = TypeVar("_Params", bound=OpParams)

_TRANSFORM: KeyPath = ("equivariance", "transform")


def reads_latents(transform: Card | None) -> bool:
    """Whether a transform is read from stored latents, not drawn from ranges."""
    if transform is None:
        return False
    transform = transform.of(TransformCard)
    return transform.model.impl in op_names(RELATIONS)


def pair_plan(resolved: Resolved) -> PairPlan | None:
    """Return the plan of stored pairs; None where views are made from one image.

    Raises:
        GraphError: when parameters are not legal.
    """
    data = resolved.data
    op = op_in_use(find_dataset, data.impl, path=(), card="data")
    params = checked_params(op.Params, data.params, path=(), card="data")
    stored = op.stored_latents(params)
    return None if stored is None else PairPlan(latents=stored, relation=_relation(resolved))


def _relation(resolved: Resolved) -> RelationPlan | None:
    transform = resolved.transform
    if transform is None or not reads_latents(resolved.cards.get("transform")):
        return None
    op = find_relation(transform.impl)
    params = checked_params(op.Params, transform.params, path=(), card="transform")
    return RelationPlan(
        impl=transform.impl,
        params=params.model_dump(mode="json", by_alias=True),
        names=tuple(op.names(params)),
    )


def pairs_as_stored(cards: Mapping[str, Card], source: Source) -> Iterator[Diagnostic]:
    """Refuse a dataset and a transform that do not fit together, naming both.

    Args:
        cards: those that a spec names, by slot; illegal parameters are reported elsewhere.
        source: the spec.
    """
    data, transform, rewrite = (cards.get(n) for n in ("data", "transform", "equivariance"))
    if data is None or rewrite is None or (known := _op_of(data)) is None:
        return
    op, params = known
    stored = op.stored_latents(params)
    where = data.source.value(("impl",))
    here = (_named(source, ("data",)), f"`{data.name}` has none")
    if transform is not None and reads_latents(transform):
        if stored is None:
            yield Diagnostic(
                "EQ041",
                f"`{transform.name}` is read from stored latents, and `{data.name}` has none",
                _named(source, _TRANSFORM),
                label="reads latents",
                help="draw a transform, such as `rot`, or train on stored views (`3diebench`)",
                also=(here,),
            )
            return
        yield from _latents_there(transform, data, source=source, stored=stored)
    if stored is None:
        return
    if isinstance(rewrite.model, EquivarianceCard) and BETWEEN in streams_read(rewrite.model):
        yield Diagnostic(
            "EQ041",
            f"there are no images between two stored views, and `{rewrite.name}` reconstructs them",
            _named(source, ("equivariance",)),
            label="needs the images in between",
            help=f"use a rewrite that reads the action, such as `sie`, or {_ONE_BY_ONE}",
            also=((where, f"`{data.name}` stores its views"),),
        )
    elif transform is not None and not reads_latents(transform):
        yield Diagnostic(
            "EQ041",
            f"`{transform.name}` is drawn, but `{data.name}` stores the transform of its views",
            _named(source, _TRANSFORM),
            label="is not the transform between the views",
            help=f"write `transform: {{use: object_rotation}}`, or {_ONE_BY_ONE}",
            also=((where, f"`{data.name}` stores its views"),),
        )


_ONE_BY_ONE = "train on its images one by one: `data: {use: image-folder}`"


def _latents_there(
    transform: Card, data: Card, *, source: Source, stored: int
) -> Iterator[Diagnostic]:
    """Refuse a relation that reads more latents than are stored."""
    transform = transform.of(TransformCard)
    op = find_relation(transform.model.impl)
    read = _legal(op.Params, transform.model.params)
    if read is None:
        return
    needed = op.latents(read)
    if needed > stored:
        yield Diagnostic(
            "EQ041",
            f"`{transform.name}` reads latent {needed - 1}, but the last one of `{data.name}` is "
            f"{stored - 1}",
            _named(source, _TRANSFORM),
            label=f"needs {needed} latents",
            help="choose another transform, or other indices by `with: {differences: […]}`",
            also=((data.source.value(("params", "latents")), f"{stored} with each view"),),
        )


def _named(source: Source, path: KeyPath) -> Location:
    """Location of a card's name, or of its body."""
    use = (*path, "use")
    return source.value(path if source.get(use) is None else use)


def _op_of(data: Card) -> tuple[DatasetOp, DatasetParams] | None:
    """The op of a dataset and its parameters; None where either is not legal."""
    data = data.of(DatasetCard)
    if data.model.impl not in op_names("datasets"):
        return None
    op = find_dataset(data.model.impl)
    params = _legal(op.Params, data.model.params)
    return None if params is None else (op, params)


def _legal(model: type[_Params], params: object) -> _Params | None:
    try:
        return model.model_validate(params)
    except ValidationError:
        return None
