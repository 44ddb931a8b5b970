"""Precision of encoders and heads; losses are always computed in full precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from eqspec.build.program import Program


def precision_of(program: Program) -> torch.autocast:
    """Return the autocast region for a step of a program; it does nothing for fp32."""
    low = program.plan.train.precision == "bf16"
    return torch.autocast(program.device.type, dtype=torch.bfloat16, enabled=low)
