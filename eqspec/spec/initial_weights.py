"""Weights that an encoder starts from in place of random ones, as a spec names them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from eqspec.spec.use import CardBody, CardUse, use_or_body

HUB = "timm:"
"""Prefix of the name of published weights on timm's hub."""


class InitialWeights(BaseModel):
    """Weights that a training starts from."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    weights: str = Field(
        min_length=1, description="A run folder (its newest checkpoint), or a safetensors file."
    )
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="Hash of the file; any other file is refused.",
    )
    partial: bool = Field(
        default=False, description="Load tensors of equal name and shape; others start at random."
    )


class PublishedWeights(InitialWeights):
    """Published weights of an encoder, with the publisher's tensor names."""

    weights: str = Field(
        min_length=1,
        description="A file (.pth, .pt, .tar, .bin, .safetensors), or `timm:NAME` of timm's hub.",
    )
    part: str | None = Field(
        default=None,
        pattern=r"^[a-z][a-z_]*$",
        description="Network in a file of several: `teacher`, `student`, …; null takes the one "
        "that its authors evaluate.",
    )


def _form(value: object) -> str:
    return "weights" if isinstance(value, (dict, InitialWeights)) else "path"


_Path = Annotated[Annotated[str, Field(min_length=1)], Tag("path")]

InitUse = Annotated[_Path | Annotated[InitialWeights, Tag("weights")], Discriminator(_form)]
"""`init_from: PATH`, or a mapping with a hash."""

PublishedUse = Annotated[_Path | Annotated[PublishedWeights, Tag("weights")], Discriminator(_form)]
"""`init: PATH` or `init: timm:NAME`, or a mapping with the network in the file and a hash."""


class BackboneUse(CardUse):
    """A backbone card by name, and the published weights that it starts from."""

    init: PublishedUse | None = Field(
        default=None,
        description="Published weights: a file, or `timm:NAME`; without `train` they are "
        "evaluated as they are.",
    )


Backbone = Annotated[
    Annotated[BackboneUse, Tag("use")] | Annotated[CardBody, Tag("card")],
    Discriminator(use_or_body),
]
"""`{use: name, with: {…}, init: …}`, or a card's body, which may hold `init` too."""
