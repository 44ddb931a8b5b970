"""Data that give the pair of views and the action: the rules they set, and their part of a plan.

Where a sample is an object in several stored views, two of them are a pair, and what lies between
them is read from their latents by an op of the family `relations`. No parameter is drawn, and there
is no image in between that could be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pydantic import ValidationError

from eqspec.compile.lookup.ops import checked_params, op_in_use
from eqspec.compile.lookup.resolve import Resolved
from eqspec.compile.lookup.rewrite_inputs import BETWEEN, streams_read
from eqspec.compile.types.pairs import PairPlan, RelationPlan
from eqspec.errors import Diagnostic, Place
from eqspec.ops.find import find_op, op_names
from eqspec.ops.op import OpParams
from eqspec.registry.cards import DatasetCard, EquivarianceCard, TransformCard
from eqspec.registry.catalog import Card
from eqspec.spec.node import KeyPath
from eqspec.spec.source import Source

RELATIONS = "relations"

_TRANSFORM: KeyPath = ("equivariance", "transform")


def reads_latents(transform: Card | None) -> bool:
    """Whether a transform is read from stored latents, not drawn from ranges."""
    if transform is None:
        return False
    assert isinstance(transform.model, TransformCard), "read as one"
    return transform.model.impl in op_names(RELATIONS)


def pair_plan(resolved: Resolved) -> PairPlan | None:
    """What the data give of a pair; None where views are made from one image.

    Raises:
        GraphError: when parameters are not legal.
    """
    data = resolved.data
    op = op_in_use("datasets", data.impl, path=(), card="data")
    stored = _latents_of(resolved.cards["data"])
    if stored is None:
        return None
    params = checked_params(op, data.params, path=(), card="data")
    return PairPlan(latents=stored(params), relation=_relation(resolved))


def _relation(resolved: Resolved) -> RelationPlan | None:
    transform = resolved.transform
    if transform is None or not reads_latents(resolved.cards.get("transform")):
        return None
    op = find_op(RELATIONS, transform.impl)
    params = checked_params(op, transform.params, path=(), card="transform")
    return RelationPlan(
        impl=transform.impl,
        params=params.model_dump(mode="json", by_alias=True),
        names=tuple(op.names(params)),
    )


def pairs_as_stored(cards: Mapping[str, Card], source: Source) -> Iterator[Diagnostic]:
    """Refuses what data and transform do not allow together, naming both.

    Args:
        cards: those that a spec names, by place; parameters that are not legal are judged
            elsewhere.
        source: the spec.
    """
    data, transform, rewrite = (cards.get(n) for n in ("data", "transform", "equivariance"))
    if data is None or rewrite is None:
        return
    stored = _latents_of(data)
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
            f"nothing lies between two stored views, and `{rewrite.name}` is to show what does",
            _named(source, ("equivariance",)),
            label="needs the images in between",
            help=f"use a rewrite that reads the action, such as `sie`, or {_ONE_BY_ONE}",
            also=((where, f"`{data.name}` stores its views"),),
        )
    elif transform is not None and not reads_latents(transform):
        yield Diagnostic(
            "EQ041",
            f"`{transform.name}` is drawn, but two views of `{data.name}` differ by what is stored",
            _named(source, _TRANSFORM),
            label="would be told as if it were all",
            help=f"write `transform: {{use: object_rotation}}`, or {_ONE_BY_ONE}",
            also=((where, f"`{data.name}` stores its views"),),
        )


_ONE_BY_ONE = "train on its images one by one: `data: {use: image-folder}`"


def _latents_there(
    transform: Card, data: Card, *, source: Source, stored: Callable[[OpParams], int]
) -> Iterator[Diagnostic]:
    """The places that a relation reads exist."""
    assert isinstance(transform.model, TransformCard), "read as one"
    assert isinstance(data.model, DatasetCard), "read as one"
    op = find_op(RELATIONS, transform.model.impl)
    read = _legal(op.Params, transform.model.params)
    given = _legal(find_op("datasets", data.model.impl).Params, data.model.params)
    if read is None or given is None:
        return
    needed, there = op.latents(read), stored(given)
    if needed > there:
        yield Diagnostic(
            "EQ041",
            f"`{transform.name}` reads latent {needed - 1}, but the last one of `{data.name}` is "
            f"{there - 1}",
            _named(source, _TRANSFORM),
            label=f"needs {needed} latents",
            help="choose another transform, or other places by `with: {differences: […]}`",
            also=((data.source.value(("params", "latents")), f"{there} with each view"),),
        )


def _named(source: Source, path: KeyPath) -> Place:
    """Where a card is named, or its body stands."""
    use = (*path, "use")
    return source.value(path if source.get(use) is None else use)


def _latents_of(data: Card) -> Callable[[OpParams], int] | None:
    """What tells how many numbers are stored with a view; None where samples are images."""
    assert isinstance(data.model, DatasetCard), "read as one"
    if data.model.impl not in op_names("datasets"):
        return None
    return getattr(find_op("datasets", data.model.impl), "stored_latents", None)


def _legal(model: type[OpParams], params: object) -> OpParams | None:
    try:
        return model.model_validate(params)
    except ValidationError:
        return None
