"""Random draws that several samples of a batch share."""

from __future__ import annotations

from pydantic import Field

from eqspec.compile.types.graph import Frozen


class SharedPlan(Frozen):
    """Draws that consecutive samples of the global batch share.

    Attributes:
        samples: number n of them: samples [k·n, (k+1)·n) of a step have the same draws.
        own: ops of steps that every sample draws for itself all the same; ``crop`` is the crop.
    """

    samples: int = Field(ge=2)
    own: tuple[str, ...] = ()
