"""Recognition of the layout of published weights, and of the encoder's tensors in it. Pure.

A name is the keys that lead to a tensor, joined by `/`. The layouts are cards, registry/layouts/.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from eqspec.compile.types.initial_weights import LayoutPlan
from eqspec.compile.weights.wrappers import Unwrapped, unwrapped, without
from eqspec.errors import UsageError
from eqspec.registry.cards import LayoutCard
from eqspec.registry.catalog import Card
from eqspec.registry.patterns import LONGEST_NAME

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class EncoderNames:
    """The tensors of a file, sorted by a layout.

    Attributes:
        encoder: name that eqspec's encoder has for a tensor → its name in the file.
        others: all other names of the file.
    """

    encoder: Mapping[str, str]
    others: tuple[str, ...]


def recognise(
    names: Collection[str], layouts: Iterable[Card[LayoutCard]], *, part: str | None
) -> LayoutPlan:
    """Return the layout that fits a file, and the network in it that is used.

    A layout fits when each of its marks is there; of several, the one with the most marks. Where
    none fits as it is, what training code puts around names is stripped (`compile.wrappers`).

    Args:
        names: of all tensors in the file.
        part: as the spec asks for it; None for the first that the file has.

    Raises:
        UsageError: no layout fits, the file has no such part, or several networks are possible.
    """
    names = [name for name in names if len(name) <= LONGEST_NAME]
    known = tuple(layouts)
    ways = unwrapped(names, fits=lambda some: any(_fits(card.model, some) for card in known))
    if not ways:
        shown = ", ".join(f"`{name}`" for name in sorted(names)[:_SHOWN]) or "none at all"
        raise UsageError(
            f"the names in it are those of no known layout: {shown}, …",
            help="`eqspec list layouts` names them; another is one file in a `registry/layouts/` "
            "beside the spec",
        )
    way = _meant(ways, part=part)
    fitting = [card for card in known if _fits(card.model, way.names)]
    card = max(fitting, key=lambda found: (len(found.model.known_by), found.name))
    parts = card.model.parts.items()
    there = [p for p, before in parts if any(re.match(before, n) for n in way.names)]
    chosen = there[0] if there and part in {None, *way.wrappers} and part not in there else part
    if chosen is None or chosen not in there:
        raise UsageError(
            f"it has no part `{chosen}` (layout `{card.name}`)",
            help=f"there are: {', '.join(there) or 'none'}",
        )
    return _layout(card, way, chosen=chosen, named=part or chosen)


def _meant(ways: tuple[Unwrapped, ...], *, part: str | None) -> Unwrapped:
    """The only reading of a file, or the one that the spec selects by a wrapper."""
    named = [way for way in ways if part in way.wrappers]
    if len(ways) == 1 or len(named) == 1:
        return named[0] if len(named) == 1 else ways[0]
    apart = [w for way in ways for w in way.wrappers if sum(w in o.wrappers for o in ways) == 1]
    listed = ", ".join(f"`{way.leading}`" for way in ways)
    raise UsageError(
        f"it contains {len(ways)} networks that fit: {listed}",
        help=f"say which: `init: {{weights: …, part: {' | '.join(apart)}}}`",
    )


def _layout(card: Card[LayoutCard], way: Unwrapped, *, chosen: str, named: str) -> LayoutPlan:
    """The plan of a layout, with the wrappers around its names."""
    model = card.model
    aside = {**_other_parts(model, chosen), **model.aside}
    before = model.parts[chosen]
    if way.leading:
        front = re.escape(way.leading)
        before = f"{front}(?:{before})"
        aside = {f"{front}(?:{pattern})": what for pattern, what in aside.items()}
        aside[f"(?!{front}).*"] = f"what stands beside `{way.leading}`"
    return LayoutPlan(
        name=card.name,
        rev=model.rev,
        sha256=card.sha256,
        part=named,
        before=before,
        rename=dict(model.rename),
        aside=aside,
        wrapper=way.leading,
        inserted=tuple(
            n for n in way.inserted if any(without(raw, (n,)) != raw for raw in way.names.values())
        ),
    )


def encoder_names(names: Iterable[str], layout: LayoutPlan) -> EncoderNames:
    """The encoder's names of the tensors of the selected part."""
    encoder: dict[str, str] = {}
    others: list[str] = []
    for name in names:
        bare = without(name, layout.inserted)
        match = re.match(layout.before, bare) if len(name) <= LONGEST_NAME else None
        if match is None:
            others.append(name)
            continue
        own = bare[match.end() :]
        for pattern, replacement in layout.rename.items():
            own = re.sub(pattern, replacement, own)
        encoder[own] = name
    return EncoderNames(encoder, tuple(others))


def set_aside(name: str, layout: LayoutPlan) -> str | None:
    """Description of a tensor outside of the encoder; None where it is unknown."""
    if len(name) > LONGEST_NAME:
        return None
    bare = without(name, layout.inserted)
    found = (what for pattern, what in layout.aside.items() if re.fullmatch(pattern, bare))
    return next(found, None)


def _fits(model: LayoutCard, names: Collection[str]) -> bool:
    return all(any(re.fullmatch(mark, name) for name in names) for mark in model.known_by)


def _other_parts(model: LayoutCard, chosen: str) -> dict[str, str]:
    """Patterns of the networks that are not used; those earlier in the file come first."""
    others = {p: before for p, before in model.parts.items() if p != chosen}
    return {f"{before}.*": f"the part `{part}`" for part, before in others.items()}
