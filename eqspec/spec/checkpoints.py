"""What a spec says of checkpoints: which of them stay, and which weights a training starts from."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from eqspec.spec.duration import PositiveDuration


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
