"""In which arithmetic a program's encoders and heads run; losses are always in full precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from eqspec.build.program import Program


def precision_of(program: Program) -> torch.autocast:
    """The autocast region that a step of this program runs in; it does nothing for fp32."""
    low = program.plan.train.precision == "bf16"
    return torch.autocast(program.device.type, dtype=torch.bfloat16, enabled=low)
