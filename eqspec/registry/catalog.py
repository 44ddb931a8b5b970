"""The catalogue: lookup of cards by family and name. A name exists because a file exists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Generic, cast

from pydantic import JsonValue
from typing_extensions import TypeVar

from eqspec.errors import Diagnostic, EqspecError, Severity, SpecError
from eqspec.registry.cards import BESIDE_USE, FAMILIES, CardModel
from eqspec.registry.places import registry_root
from eqspec.spec.diagnose import Naming, by_path, validate
from eqspec.spec.load import read_text
from eqspec.spec.names import is_file_name
from eqspec.spec.source import Source, read_yaml

_Model_co = TypeVar("_Model_co", bound=CardModel, default=CardModel, covariant=True)
_Kind = TypeVar("_Kind", bound=CardModel)


@dataclass(frozen=True, slots=True)
class Card(Generic[_Model_co]):
    """A card of one family: `Card[MethodCard]`; of any: `Card`.

    Attributes:
        body: its content as plain data.
        model: the same, validated.
        source: the same, with the location of every key.
    """

    name: str
    body: Mapping[str, JsonValue]
    model: _Model_co
    source: Source

    @property
    def family(self) -> str:
        """The folder under ``registry/``."""
        return self.model.family

    def of(self, kind: type[_Kind]) -> Card[_Kind]:
        """Return this card as one of a family that is known where it is used.

        Raises:
            TypeError: it is of another family.
        """
        if not isinstance(self.model, kind):
            raise TypeError(f"`{self.name}` is a card of `{self.family}`, not `{kind.family}`")
        return cast("Card[_Kind]", self)

    @property
    def sha256(self) -> str:
        """Hash of the body: key order and comments do not count."""
        text = json.dumps(self.body, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


class UnknownCard(EqspecError):
    """There is no card of this name; `help` suggests the nearest and lists all of them."""

    exit_status = 2

    def __init__(self, family: str, name: str, *, known: tuple[str, ...]) -> None:
        near = get_close_matches(name, known, n=1, cutoff=0.4)
        guess = f"did you mean `{near[0]}`? " if near else ""
        super().__init__(
            f"no card `{name}` in registry/{family}/", help=f"{guess}there are: {', '.join(known)}"
        )


@dataclass(frozen=True, slots=True)
class Catalog:
    """Cards in one or more folders; a card in a later folder replaces one of the same name."""

    roots: tuple[Path, ...]

    def names(self, family: str) -> tuple[str, ...]:
        """Return the names of all cards of a family, sorted."""
        if family not in FAMILIES:
            return ()
        found = {p.stem for root in self.roots for p in (root / family).glob("*.yaml")}
        return tuple(sorted(found))

    def card(self, kind: type[_Kind], name: str) -> Card[_Kind]:
        """Return the card of that name: `catalog.card(MethodCard, "vicreg")`.

        Raises:
            UnknownCard: when there is no such file.
            SpecError: when the file is not a legal card.
        """
        family = kind.family
        if not is_file_name(name):
            raise UnknownCard(family, name, known=self.names(family))
        for root in reversed(self.roots):
            path = root / family / f"{name}.yaml"
            if path.is_file():
                _need_inside(path, root=root)
                card = read_card(kind, read_text(path), name=name, file=str(path))
                need_only_its_own(card)
                return card
        raise UnknownCard(family, name, known=self.names(family))

    def replaced(self) -> tuple[Diagnostic, ...]:
        """Return a warning for every card that an overlay replaces."""
        warnings: list[Diagnostic] = []
        for at, root in enumerate(self.roots[1:], start=1):
            for path in sorted(root.glob("*/*.yaml")):
                below = [r / path.parent.name / path.name for r in self.roots[:at]]
                warnings.extend(
                    Diagnostic(
                        code="EQ510",
                        message=f"{path} replaces {other}",
                        help="the card is part of the recipe, so runs with it are separate runs",
                        severity=Severity.WARNING,
                    )
                    for other in below
                    if other.is_file()
                )
        return tuple(warnings)


def _need_inside(path: Path, *, root: Path) -> None:
    """Refuse a link out of a registry: errors in a card would show lines of the linked file."""
    if not path.resolve().is_relative_to(root.resolve()):
        message = f"`{path}` cannot be read: it is a link out of its registry"
        advice = f"copy the card to this path, or make the whole folder `{root}` a link"
        raise SpecError((Diagnostic("EQ009", message, help=advice),))


def open_catalog(*, overlay: Path | None = None) -> Catalog:
    """Return the cards that come with eqspec, and those of an overlay folder if it exists."""
    roots = (registry_root(),)
    if overlay is not None and overlay.is_dir() and overlay.resolve() != roots[0].resolve():
        roots = (*roots, overlay)
    return Catalog(roots=roots)


def need_only_its_own(card: Card) -> None:
    """Refuse a card file with a key that belongs in the spec next to `use`, as it has no effect.

    Raises:
        SpecError: with the key.
    """
    key = BESIDE_USE.get(card.family)
    if key is None or key not in card.body:
        return
    message = f"`{key}` belongs in the spec, not in a card file"
    advice = f"move it next to `use` in the spec: `{{use: {card.name}, {key}: …}}`"
    raise SpecError((Diagnostic("EQ001", message, card.source.key((key,)), help=advice),))


@lru_cache(maxsize=256)  # a spec and its variants name much the same cards
def read_card(kind: type[_Kind], text: str, *, name: str, file: str) -> Card[_Kind]:
    """Return a card from its text.

    Raises:
        SpecError: with every problem found in it.
    """
    return check_card(kind, read_yaml(text, name=file), name=name)


def check_card(
    kind: type[_Kind], source: Source, *, name: str, naming: Naming = by_path
) -> Card[_Kind]:
    """Return a card from its parsed text.

    Args:
        naming: how messages call the value at a path of it.

    Raises:
        SpecError: with every problem found in it.
    """
    checked = validate(kind, source, naming=naming)
    if checked.value is None or source.problems:
        raise SpecError((*source.problems, *checked.diagnostics))
    body = source.data
    assert isinstance(body, dict), "validated as a mapping"
    return Card(name=name, body=body, model=checked.value, source=source)
