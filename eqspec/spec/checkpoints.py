"""Which checkpoints a run keeps, as a spec declares it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from eqspec.spec.duration import PositiveDuration


class KeepSpec(BaseModel):
    """Which checkpoints stay; the newest one always does, since a run resumes from it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    last: int = Field(default=2, ge=1, description="How many of the newest checkpoints stay.")
    every: PositiveDuration | None = Field(
        default=None,
        description="Also save at this interval, and keep those for good: `50 epochs`.",
    )
