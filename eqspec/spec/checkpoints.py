"""What a spec says of checkpoints: which of them stay, and which weights an encoder starts from."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from eqspec.spec.duration import PositiveDuration
from eqspec.spec.use import CardBody, CardUse, use_or_body

HUB = "timm:"
"""What stands before the name of published weights that timm knows where to find."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class KeepSpec(_Section):
    """Which checkpoints stay; the one that a run goes on from always does."""

    last: int = Field(default=2, ge=1, description="How many of the newest checkpoints stay.")
    every: PositiveDuration | None = Field(
        default=None,
        description="Also save this far apart, and keep those for good: `50 epochs`.",
    )


class InitFrom(_Section):
    """Weights that a training starts from, instead of fresh ones."""

    weights: str = Field(
        min_length=1, description="A run folder (its newest checkpoint), or a safetensors file."
    )
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="Hash of the weights; any others are refused.",
    )
    partial: bool = Field(
        default=False, description="Take what fits by name and shape; the rest starts afresh."
    )


def _form(value: object) -> str:
    return "weights" if isinstance(value, (dict, InitFrom)) else "path"


InitUse = Annotated[
    Annotated[Annotated[str, Field(min_length=1)], Tag("path")]
    | Annotated[InitFrom, Tag("weights")],
    Discriminator(_form),
]
"""The weights alone, or a mapping that says more about them."""


def as_init(written: str | InitFrom) -> InitFrom:
    """The long form of what was written."""
    return InitFrom(weights=written) if isinstance(written, str) else written


class PublishedWeights(_Section):
    """Published weights of an encoder, in the layout of those who published them."""

    weights: str = Field(
        min_length=1,
        description="A file (.pth, .pt, .tar, .bin, .safetensors), or `timm:NAME` of timm's hub.",
    )
    part: str | None = Field(
        default=None,
        pattern=r"^[a-z][a-z_]*$",
        description="Which of several networks in the file: `teacher`, `student`, …; null takes "
        "the one that its authors evaluate.",
    )
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="Hash of the file; any other is refused.",
    )
    partial: bool = Field(
        default=False, description="Take what fits by name and shape; the rest starts afresh."
    )


def _length(value: object) -> str:
    return "weights" if isinstance(value, (dict, PublishedWeights)) else "name"


PublishedUse = Annotated[
    Annotated[Annotated[str, Field(min_length=1)], Tag("name")]
    | Annotated[PublishedWeights, Tag("weights")],
    Discriminator(_length),
]
"""The weights alone, or a mapping that says more about them."""


def as_published(written: str | PublishedWeights) -> PublishedWeights:
    """The long form of what was written."""
    return PublishedWeights(weights=written) if isinstance(written, str) else written


class BackboneUse(CardUse):
    """A backbone card by name, and the published weights that it starts from."""

    init: PublishedUse | None = Field(
        default=None,
        description="Published weights: a file, or `timm:NAME`; without `train` they are "
        "evaluated.",
    )


Backbone = Annotated[
    Annotated[BackboneUse, Tag("use")] | Annotated[CardBody, Tag("card")],
    Discriminator(use_or_body),
]
"""`{use: name, with: {…}, init: …}`, or a card's body, which may hold `init` too."""
