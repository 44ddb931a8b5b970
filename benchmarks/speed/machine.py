"""The machine and the installation that numbers were measured on."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from pydantic import BaseModel, ConfigDict

import eqspec
from eqspec.build.cores import usable_cores
from eqspec.ops.decode import decoder
from eqspec.runs.environment import checkout, cpu_flags, cpu_model

FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16")
"""Features of the processor that decide how fast it multiplies matrices."""

PACKAGES = (
    "torch", "torchvision", "timm", "numpy", "pillow", "scikit-learn",
    "lightly", "kornia", "stable-pretraining",
)  # fmt: skip
"""Packages whose speed is compared, or that it depends on."""


class Machine(BaseModel):
    """Where and when something was measured.

    Attributes:
        commit: of eqspec; ``unknown`` outside of a checkout.
        dirty: whether the code differed from the commit.
        date: UTC, to the minute.
        flags: those of `FLAGS` that the processor has.
        cores: that the measurement could use.
        threads: of torch.
        accelerator: name of the GPU, if it was one.
        load: processes that were running or waiting, averaged over the minute before.
        packages: versions of those installed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit: str
    dirty: bool
    date: str
    cpu: str
    flags: tuple[str, ...]
    cores: int
    threads: int
    accelerator: str | None
    load: float
    python: str
    decoder: str
    packages: dict[str, str]


def describe(*, device: str) -> Machine:
    """Describe this machine now."""
    import platform

    import torch

    state = checkout(Path(eqspec.__file__).parent)
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpu_flags(cpuinfo)
    return Machine(
        commit="unknown" if state is None else state.commit,
        dirty=state is None or state.dirty,
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        cpu=cpu_model(cpuinfo),
        flags=tuple(flag for flag in FLAGS if flag in flags),
        cores=usable_cores(),
        threads=torch.get_num_threads(),
        accelerator=torch.cuda.get_device_name() if device == "cuda" else None,
        load=_load(),
        python=platform.python_version(),
        decoder=decoder(),
        packages={name: v for name in PACKAGES if (v := _version(name)) is not None},
    )


def _load() -> float:
    try:
        return float(Path("/proc/loadavg").read_text().split()[0])
    except OSError:
        return 0.0


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
