"""Initial weights of an encoder, as plan data."""

from __future__ import annotations

import re

from pydantic import model_validator

from eqspec.compile.types.graph import Frozen
from eqspec.registry.patterns import Pattern, need_pattern, need_replacement


class InitPlan(Frozen):
    """Weights that the training starts from.

    Attributes:
        weights: absolute path of a safetensors file; not part of the recipe.
        sha256: of the file, part of the recipe.
        partial: take what fits by name and shape.
    """

    weights: str
    sha256: str
    partial: bool = False


class LayoutPlan(Frozen):
    """How the tensors of a file of published weights are named, from the card of its layout.

    Attributes:
        sha256: of the card.
        part: which of the networks in the file is used.
        before: pattern of what stands before the names of its encoder.
        rename: patterns in these names → what takes their place.
        aside: patterns of whole names → what these tensors are.
        wrapper: prefix that training code has put before all names of the network; `before`
            and `aside` begin with it.
        inserted: names that torch inserts, removed before a name is matched.
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
        """Bound the patterns, as those of a card are: a saved plan may come from anywhere."""
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
        weights: absolute path of the file, or ``timm:`` and a name; not part of the recipe.
        file: absolute path of the file itself; None until it is downloaded.
        sha256: of the file, part of the recipe; None until it is downloaded, unless the spec
            states it.
        layout: how its tensors are named; None until it is downloaded.
        partial: take what fits by name and shape.
    """

    weights: str
    file: str | None
    sha256: str | None
    layout: LayoutPlan | None
    partial: bool = False
