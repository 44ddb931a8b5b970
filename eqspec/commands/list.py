"""`eqspec list`: every card, op and spec, with its rev and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from eqspec.errors import UsageError
from eqspec.ops.find import FAMILIES as OP_FAMILIES
from eqspec.ops.find import find_op, op_names
from eqspec.registry.cards import FAMILIES as CARD_FAMILIES
from eqspec.registry.catalog import open_catalog
from eqspec.registry.places import specs_root
from eqspec.spec.source import read_yaml

OPS, SPECS = "ops", "specs"
KINDS = (*CARD_FAMILIES, OPS, SPECS)
"""What can be listed: the families of cards, the ops, the specs that ship with eqspec."""


_BESIDE: Mapping[str, tuple[str, ...]] = MappingProxyType({"methods": ("equivariance",)})
"""Kind → what is listed with it: SIE or EquiMod are methods to who looks for them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list.

    Attributes:
        family: of the card or op; ``specs`` for a spec.
        rev: None for a spec.
        status: ``proved``, ``toy`` or ``ours``, where the card says so.
        paper: where its numbers come from.
    """

    family: str
    name: str
    about: str
    rev: int | None = None
    status: str | None = None
    paper: str | None = None


def listed_with(kind: str) -> tuple[str, ...]:
    """The kind itself, and those that belong beside it."""
    return (kind, *_BESIDE.get(kind, ()))


def entries(kind: str) -> tuple[Entry, ...]:
    """Everything of one of `KINDS`, by family and name.

    Raises:
        UsageError: when there is no such kind.
        SpecError: when a card is not legal.
    """
    if kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1)
        guess = f"did you mean `{near[0]}`? " if near else ""
        raise UsageError(f"`{kind}` cannot be listed", help=f"{guess}there are: {', '.join(KINDS)}")
    if kind == SPECS:
        return tuple(_specs(specs_root()))
    return tuple(_ops() if kind == OPS else _cards(kind))


def _cards(family: str) -> Iterator[Entry]:
    catalog = open_catalog()
    for name in catalog.names(family):
        model = catalog.card(CARD_FAMILIES[family], name).model
        status = getattr(model, "status", None)
        yield Entry(family, name, model.about, rev=model.rev, status=status, paper=model.paper)


def _ops() -> Iterator[Entry]:
    for family in OP_FAMILIES:
        for name in op_names(family):
            op = find_op(family, name)
            yield Entry(family, name, op.about.partition("\n")[0], rev=op.rev)


def _specs(root: Path) -> Iterator[Entry]:
    for path in sorted(root.rglob("*.yaml")):
        about = read_yaml(path.read_text(encoding="utf-8"), name=str(path)).get(("about",))
        text = about.value if about is not None and isinstance(about.value, str) else ""
        yield Entry(SPECS, path.relative_to(root).with_suffix("").as_posix(), text)
