"""`eqspec show`: a card or an op as it is, with what may be set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import cast

from eqspec.compile.lookup.overrides import overridable
from eqspec.errors import UsageError
from eqspec.ops.contract.graph import GraphOp
from eqspec.ops.contract.op import Op
from eqspec.ops.find import FAMILIES as OP_FAMILIES
from eqspec.ops.find import find_op, op_names
from eqspec.ops.op import Port
from eqspec.ops.parameters import Parameter, default_text, parameters
from eqspec.registry.cards import FAMILIES as CARD_FAMILIES
from eqspec.registry.catalog import Card, Catalog, open_catalog


@dataclass(frozen=True, slots=True)
class CardPage:
    """A card as it is shown.

    Attributes:
        settable: names with which a path under `with:` may begin.
        parameters: of the card's op with the card's values, if they alone can be set.
        text: the file as it stands.
    """

    family: str
    name: str
    rev: int
    status: str | None
    about: str
    paper: str | None
    file: Path
    settable: tuple[str, ...]
    text: str
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class OpPage:
    """An op as it is shown.

    Attributes:
        ports: what it reads, for ops that stand in a graph.
    """

    family: str
    name: str
    rev: int
    about: str
    file: Path
    parameters: tuple[Parameter, ...]
    ports: tuple[Port, ...]


Page = CardPage | OpPage


def show(name: str, *, family: str | None = None) -> tuple[Page, ...]:
    """Every card and every op of that name, cards first.

    Args:
        family: only those of one family.

    Raises:
        UsageError: when there is none.
    """
    catalog = open_catalog()
    cards = [f for f in CARD_FAMILIES if family in {None, f} and name in catalog.names(f)]
    ops = [f for f in OP_FAMILIES if family in {None, f} and name in op_names(f)]
    if not cards and not ops:
        raise _unknown(name, family=family)
    shown = [_card_page(catalog, catalog.card(CARD_FAMILIES[f], name)) for f in cards]
    return (*shown, *(_op_page(find_op(f, name), family=f, name=name) for f in ops))


def card_and_op_names(family: str | None = None) -> frozenset[str]:
    """Return the names of all cards and ops, or of those of one family."""
    catalog = open_catalog()
    cards = {n for f in CARD_FAMILIES if family in {None, f} for n in catalog.names(f)}
    return frozenset(cards.union(*(op_names(f) for f in OP_FAMILIES if family in {None, f})))


def _unknown(name: str, *, family: str | None) -> UsageError:
    families = (*CARD_FAMILIES, *(f for f in OP_FAMILIES if f not in CARD_FAMILIES))
    if family is not None and family not in families:
        return UsageError(
            f"there is no family `{family}`", help=f"there are: {', '.join(families)}"
        )
    known = card_and_op_names(family)
    near = get_close_matches(name, sorted(known), n=3, cutoff=0.5)
    where = "" if family is None else f" in the family `{family}`"
    guess = f"did you mean {' or '.join(f'`{n}`' for n in near)}?" if near else None
    return UsageError(
        f"there is no card and no op `{name}`{where}",
        help=guess or "`eqspec list` names the cards, `eqspec list ops` the ops",
    )


def _card_page(catalog: Catalog, card: Card) -> CardPage:
    model = card.model
    files = (root / card.family / f"{card.name}.yaml" for root in reversed(catalog.roots))
    file = next(path for path in files if path.is_file())
    return CardPage(
        family=card.family,
        name=card.name,
        rev=model.rev,
        status=getattr(model, "status", None),
        about=model.about,
        paper=model.paper,
        file=file,
        settable=overridable(card),
        text=file.read_text(encoding="utf-8"),
        parameters=_parameters(card),
    )


def _parameters(card: Card) -> tuple[Parameter, ...]:
    """Return the parameters of a card's op, with the card's values in place of the defaults."""
    content = card.model.model_dump()
    impl, values = content.get("impl"), content.get("params")
    # A card of a relation between stored pairs stands among the transforms, its op does not.
    has_op = card.family in OP_FAMILIES and impl in op_names(card.family)
    if not has_op or not isinstance(impl, str) or not isinstance(values, dict):
        return ()
    own = {
        str(key): default_text(value) for key, value in cast("dict[str, object]", values).items()
    }
    known = parameters(find_op(card.family, impl).Params)
    return tuple(replace(one, default=own.get(one.name, one.default)) for one in known)


def _op_page(op: Op, *, family: str, name: str) -> OpPage:
    return OpPage(
        family=family,
        name=name,
        rev=op.rev,
        about=op.about,
        file=op.file,
        parameters=parameters(op.Params),
        ports=op.ports if isinstance(op, GraphOp) else (),
    )
