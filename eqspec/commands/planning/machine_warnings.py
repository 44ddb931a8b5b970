"""Warnings about this machine: settings of a plan that it runs slowly, or not at all.

Whether bf16 is slower here is estimated from the machine and from the encoder's size, not measured
while a spec is checked. That would take torch, which no check imports (2.5 s), and a quick
measurement misleads: on a processor with bf16 arithmetic a single product is three to five times as
fast at every size, and yet a transformer block of width 32 is slower, since casts, norms and small
kernels dominate. Measured on one thread of an AMD EPYC (Zen 5, avx512_bf16), forward and backward,
bf16 over fp32, the fastest of 25 (in brackets the median, where other processes disturbed it):

    width   272 tokens   1,088 tokens   1,576 tokens
    32         2.37         (1.5)          1.07
    64         1.39         1.06           0.58
    96         1.00         0.72           0.56
    128        1.20         0.70           0.35
    192        0.77         0.65           0.49

Without such arithmetic it is slower at every size: 2.6 times at width 64, 5 times at width 768.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eqspec.build.toolchain import Toolchain, find_toolchain
from eqspec.compile.types.graph import ApplyNode
from eqspec.compile.types.plan import Plan
from eqspec.errors import Diagnostic, Severity
from eqspec.runs.environment import cpu_flags, gpu_capabilities
from eqspec.spec.source import Source

BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Names of bf16 arithmetic among the processor features of x86 and ARM."""

FEWEST_NUMBERS = 40_000
"""Tokens × width from which an encoder is faster in a processor's own bf16 (see above)."""

EMULATED = "emulated"
"""Label under `bf16` on a machine that converts every product to fp32 and back."""

_EMULATION = "emulated, a transformer block takes 2.6 (width 64) to 5 (width 768) times as long"
_SMALL = (
    f"below {FEWEST_NUMBERS:,} numbers (tokens × width) a transformer block took 0.9 to 2.4 times "
    "as long as in fp32, on one thread of a processor that has bf16 arithmetic"
)

FIRST_WITH_BF16 = 8.0
"""Compute capability from which NVIDIA's GPUs have bf16 arithmetic (Ampere)."""


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """Facts about a machine that checks use; found without torch.

    Attributes:
        cuda: an NVIDIA driver is loaded.
        flags: features of the processor, by the system's names.
        gpus: compute capability of each GPU; empty if not requested or unknown.
    """

    toolchain: Toolchain
    cuda: bool
    flags: frozenset[str]
    gpus: tuple[float, ...] = ()


def machine_facts(*, bf16: bool = False) -> MachineFacts:
    """Inspect this machine.

    Args:
        bf16: whether the plan uses it, so that the GPUs are inspected too; their driver is slow.
    """
    cuda = Path("/proc/driver/nvidia/version").exists()
    return MachineFacts(
        toolchain=find_toolchain(),
        cuda=cuda,
        flags=cpu_flags(Path("/proc/cpuinfo")),
        gpus=gpu_capabilities() if cuda and bf16 else (),
    )


def warnings_on_machine(
    plan: Plan, source: Source, *, facts: MachineFacts
) -> tuple[Diagnostic, ...]:
    """Return warnings about running a plan on such a machine.

    Args:
        source: of the plan's spec.
    """
    return (
        *_no_compiler(plan, source, facts),
        *_slow_bf16(plan, source, facts),
        *_missing_weights(plan, source),
    )


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


def _missing_weights(plan: Plan, source: Source) -> Iterator[Diagnostic]:
    """Weights of timm's hub are downloaded by `run`; any other file has to be here."""
    init = plan.published
    if init is None or init.file is not None or init.weights.startswith("timm:"):
        return
    yield Diagnostic(
        "EQ513",
        f"the weights `{init.weights}` are not on this machine",
        source.value(("backbone", "init")),
        label="no such file",
        help="put the file there before `eqspec run`, which stops without it",
        notes=("until then the recipe id is not final: it depends on the content of the file",),
        severity=Severity.WARNING,
    )


def _slow_bf16(plan: Plan, source: Source, facts: MachineFacts) -> Iterator[Diagnostic]:
    if plan.train.precision != "bf16":
        return
    on_cpu = plan.machine.device == "cpu" or (plan.machine.device == "auto" and not facts.cuda)
    found = _on_cpu(plan, facts) if on_cpu else _on_gpu(facts)
    if found is not None:
        message, label, note = found
        yield Diagnostic(
            "EQ505",
            message,
            source.value(("train", "precision")),
            label=label,
            help="write `precision: fp32`, or train on a device that has it"
            if label == EMULATED
            else "write `precision: fp32`",
            notes=(note,),
            severity=Severity.WARNING,
        )


def _on_cpu(plan: Plan, facts: MachineFacts) -> tuple[str, str, str] | None:
    """Return message, label and note; None if bf16 is no slower, or if nothing is known."""
    tokens, width = _encoded(plan)
    if not facts.flags:
        return None
    if not facts.flags & BF16_FLAGS:
        return (
            "this processor has no bf16 arithmetic: bf16 would be slower than fp32 here",
            EMULATED,
            f"{_EMULATION}; this encoder is {width} wide",
        )
    if tokens * width >= FEWEST_NUMBERS:
        return None
    return (
        f"an encoder of width {width} over {tokens:,} tokens is too small to gain from bf16",
        "little or no gain, and less exact",
        _SMALL,
    )


def _on_gpu(facts: MachineFacts) -> tuple[str, str, str] | None:
    oldest = min(facts.gpus, default=FIRST_WITH_BF16)
    if oldest >= FIRST_WITH_BF16:
        return None
    return (
        "this GPU has no bf16 arithmetic: bf16 would be slower than fp32 here",
        EMULATED,
        f"its compute capability is {oldest}; bf16 came with {FIRST_WITH_BF16}",
    )


def _encoded(plan: Plan) -> tuple[int, int]:
    """Return the largest number of tokens that an encoder processes at once, and their width."""
    encoders = {m.name for m in plan.graph.modules if m.family == "backbones"}
    piece = plan.train.batch // plan.machine.micro_batches
    encoded = [
        plan.graph.streams[node.out]
        for node in plan.graph.encode
        if isinstance(node, ApplyNode) and node.module in encoders
    ]
    sizes = [(math.prod(s.shape(batch=piece)) // s.size("D"), s.size("D")) for s in encoded]
    return max(sizes, key=math.prod)
