"""The weights that an encoder starts from in place of fresh ones, as plan data."""

from __future__ import annotations

import re

from pydantic import model_validator

from eqspec.compile.types.graph import Frozen
from eqspec.registry.patterns import Pattern, need_pattern, need_replacement


class InitPlan(Frozen):
    """Weights that the training starts from.

    Attributes:
        weights: absolute path of a safetensors file; where it lies changes nothing.
        sha256: of the file, part of the recipe.
        partial: take what fits by name and shape.
    """

    weights: str
    sha256: str
    partial: bool = False


class LayoutPlan(Frozen):
    """How the tensors of a file of published weights are named, as its card says it.

    Attributes:
        sha256: of the card.
        part: which of the networks in the file is meant.
        before: pattern of what stands before the names of its encoder.
        rename: patterns in these names → what takes their place.
        aside: patterns of whole names → what these tensors are.
        wrapper: what training code has put in front of all names that are meant; `before` and
            `aside` begin with it.
        inserted: names of torch's own that are taken out of a name before it is looked at.
    """

    name: str
    rev: int
    sha256: str
    part: str
    before: str
    rename: dict[Pattern, str]
    aside: dict[str, str]
    wrapper: str = ""
    inserted: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _bounded(self) -> LayoutPlan:
        """A saved plan may come from anybody: its patterns are bounded as those of a card are."""
        front = re.escape(self.wrapper)
        inner = "(.*)" if not self.wrapper else f"{re.escape(front)}\\(\\?:(.*)\\)"
        for pattern, text in self.rename.items():
            need_replacement(pattern, text)
        for written in (self.before, *self.aside):
            if self.wrapper and written == f"(?!{front}).*":
                continue
            match = re.fullmatch(inner, written)
            if match is None:
                raise ValueError(f"`{written}` does not begin with the wrapper `{self.wrapper}`")
            need_pattern(match[1])
        return self


class PublishedPlan(Frozen):
    """Published weights that the encoder starts from.

    Attributes:
        weights: absolute path of the file, or ``timm:`` and a name; where it lies changes nothing.
        file: absolute path of the file itself; None while it is not here.
        sha256: of the file, part of the recipe; None while it is not here and nobody says it.
        layout: how its tensors are named; None while it is not here.
        partial: take what fits by name and shape.
    """

    weights: str
    file: str | None
    sha256: str | None
    layout: LayoutPlan | None
    partial: bool = False
