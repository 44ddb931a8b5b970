"""The choice of `machine.compile: auto`: whether compiling a training pays.

Compiling takes about a minute, however short the training is. The training time is estimated from
the plan and the kind of machine alone, not measured, so that the same recipe is compiled or not
whenever it is run on a machine: compiled code rounds differently.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch

from eqspec.build.cores import usable_cores
from eqspec.build.toolchain import find_toolchain
from eqspec.errors import EqspecError

if TYPE_CHECKING:
    from eqspec.build.cost.cached import Trace
    from eqspec.compile.types.plan import Plan


@dataclass(frozen=True, slots=True)
class Rate:
    """Speed of uncompiled training steps.

    Attributes:
        flops: operations per second by precision; on a CPU per core.
        overhead: seconds that a step takes beside them, on the Python side.
        pays_after: seconds of training from which on compiling pays.
    """

    flops: MappingProxyType[str, float]
    overhead: float
    pays_after: float


CPU = Rate(MappingProxyType({"fp32": 5e10, "bf16": 1e11}), overhead=0.02, pays_after=1800.0)
"""Measured on two cores of an AMD EPYC: ViT-S/16 7e10 and 1.2e11 per core. Compiled steps take
between 4 % more and 14 % less time there, after a minute (docs/decisions.md, 66)."""

CUDA = Rate(MappingProxyType({"fp32": 5e13, "bf16": 1e14}), overhead=0.03, pays_after=600.0)
"""Measured on an H100: ViT-S/16 in bf16 1.4e14; a small model 31 to 39 ms a step, nearly all of it
launching kernels. Compiled steps take 19 % less time."""


@dataclass(frozen=True, slots=True)
class CompileChoice:
    """Whether a training is compiled.

    Attributes:
        why_not: the reason for not compiling where the spec leaves it open; empty otherwise.
    """

    compiled: bool
    why_not: str = ""


def choose_compile(
    plan: Plan, *, device: torch.device, traced: Callable[[], Trace], recorded: bool | None = None
) -> CompileChoice:
    """Decide whether the training of a plan is compiled on this machine.

    Args:
        device: of the training.
        traced: returns the plan's cost; called only if the decision needs it.
        recorded: what was decided when the run began, which `auto` keeps; None if it begins now.

    Raises:
        EqspecError: the spec requires it, and the machine lacks a compiler.
    """
    wanted, missing = plan.machine.compile, " and ".join(find_toolchain().missing)
    if wanted == "on" and missing:
        raise EqspecError(
            f"`machine.compile` is on, but this machine lacks {missing}",
            help="install it, or train without compiling: --set machine.compile=off",
        )
    if wanted != "auto":
        return CompileChoice(compiled=wanted == "on")
    why_not = ""
    if missing:
        why_not = f"this machine lacks {missing} (EQ504)"
    elif recorded is False:
        why_not = "as when this run began"
    elif recorded is None:
        seconds, rate = estimated_seconds(plan, traced(), device=device), _rate(device)
        if seconds < rate.pays_after:
            why_not = f"it pays from about {rate.pays_after / 60:.0f} min of training on"
    return CompileChoice(compiled=not why_not, why_not=why_not)


def estimated_seconds(plan: Plan, trace: Trace, *, device: torch.device) -> float:
    """Estimate the time of all uncompiled steps, in seconds."""
    rate = _rate(device)
    cores = usable_cores() if device.type == "cpu" else 1
    work = trace.train_gflops_per_sample * 1e9 * plan.train.batch
    step = work / (rate.flops[plan.train.precision] * cores) + rate.overhead
    return step * plan.train.steps


def _rate(device: torch.device) -> Rate:
    return CUDA if device.type == "cuda" else CPU
