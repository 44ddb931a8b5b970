"""Warnings about this machine: what the plan asks of it that it does badly, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eqspec.build.toolchain import Toolchain, find_toolchain
from eqspec.compile.plan import Plan
from eqspec.errors import Diagnostic, Severity
from eqspec.runs.environment import cpu_flags
from eqspec.spec.source import Source

BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""What x86 and ARM call a processor's own bf16 arithmetic."""


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What a check has to know of a machine; found without torch.

    Attributes:
        cuda: an NVIDIA driver is loaded.
        flags: features of the processor, as the system calls them.
    """

    toolchain: Toolchain
    cuda: bool
    flags: frozenset[str]


def machine_facts() -> MachineFacts:
    """Looks at this machine."""
    return MachineFacts(
        toolchain=find_toolchain(),
        cuda=Path("/proc/driver/nvidia/version").exists(),
        flags=cpu_flags(Path("/proc/cpuinfo")),
    )


def machine_doubts(plan: Plan, source: Source, *, facts: MachineFacts) -> tuple[Diagnostic, ...]:
    """What deserves a second look before the plan is run on such a machine.

    Args:
        source: of the spec that the plan was made from.
    """
    return (*_no_compiler(plan, source, facts), *_slow_bf16(plan, source, facts))


def _no_compiler(plan: Plan, source: Source, facts: MachineFacts) -> Iterator[Diagnostic]:
    missing = facts.toolchain.missing
    if plan.machine.compile == "off" or not missing:
        return
    forced = plan.machine.compile == "on"
    yield Diagnostic(
        "EQ504",
        f"there is no {' and no '.join(m.removeprefix('a ') for m in missing)} here: "
        + ("`machine.compile: on` cannot work" if forced else "compile is off"),
        source.value(("machine", "compile")) if forced else None,
        label="needs them",
        help="install g++ and the headers of this Python (Debian: g++ and python3-dev)",
        notes=("without compiling, numbers are the same up to rounding, and steps are slower",),
        severity=Severity.WARNING,
    )


def _slow_bf16(plan: Plan, source: Source, facts: MachineFacts) -> Iterator[Diagnostic]:
    on_cpu = plan.machine.device == "cpu" or (plan.machine.device == "auto" and not facts.cuda)
    known = bool(facts.flags)
    if plan.train.precision != "bf16" or not on_cpu or not known or facts.flags & BF16_FLAGS:
        return
    yield Diagnostic(
        "EQ505",
        "this processor has no bf16 arithmetic: bf16 would be slower than fp32 here",
        source.value(("train", "precision")),
        label="emulated",
        help="write `precision: fp32`, or train on a device that has it",
        notes=(
            "emulated, a transformer block takes 2.6 (width 64) to 5 (width 768) times as long",
        ),
        severity=Severity.WARNING,
    )
