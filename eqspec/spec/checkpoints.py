"""The section `keep` of a spec: the checkpoints that a run keeps."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from eqspec.spec.duration import PositiveDuration


class KeepSpec(BaseModel):
    """Checkpoints to keep; the newest one always stays, since a run resumes from it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    last: int = Field(default=2, ge=1, description="Number of newest checkpoints to keep.")
    every: PositiveDuration | None = Field(
        default=None,
        description="Also save at this interval, and keep those for good: `50 epochs`.",
    )
