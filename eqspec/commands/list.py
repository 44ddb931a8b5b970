"""`eqspec list`: all cards, ops and specs with their revs and descriptions."""

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
"""Kinds that can be listed: families of cards, ops, and the specs that come with eqspec."""


_BESIDE: Mapping[str, tuple[str, ...]] = MappingProxyType({"methods": ("equivariance",)})
"""Kind → kinds listed with it: many users look for SIE or EquiMod among the methods."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Entry of a list.

    Attributes:
        family: family of the card or op; ``specs`` for a spec.
        about: one sentence.
        rev: revision; None for a spec.
        status: ``proved``, ``toy`` or ``ours``, for methods and rewrites.
        paper: source of the numbers.
    """

    family: str
    name: str
    about: str
    rev: int | None = None
    status: str | None = None
    paper: str | None = None


def listed_with(kind: str) -> tuple[str, ...]:
    """Return a kind and the kinds that are listed with it."""
    return (kind, *_BESIDE.get(kind, ()))


def entries(kind: str) -> tuple[Entry, ...]:
    """Return all entries of one of `KINDS`, sorted by family and name.

    Raises:
        UsageError: when there is no such kind.
        SpecError: when a card is not valid.
    """
    if kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1)
        guess = f"did you mean `{near[0]}`? " if near else ""
        raise UsageError(
            f"there is no family `{kind}`", help=f"{guess}there are: {', '.join(KINDS)}"
        )
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
