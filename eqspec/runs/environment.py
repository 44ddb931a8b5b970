"""The environment of a run: machine, system, package versions, and the state of the code.

Does not import torch: threads and accelerators are passed in.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import eqspec
from eqspec.build.cores import usable_cores
from eqspec.ops.decode import decoder
from eqspec.runs.artifacts import Document

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "pillow",
    "pydantic",
    "safetensors",
    "eqspec",
)
"""Packages whose version may affect the results."""


class Checkout(Document):
    """The state of the source code.

    Attributes:
        commit: full hash of the checked-out commit.
        dirty: whether tracked files differ from it, or there are untracked files.
    """

    commit: str
    dirty: bool


class Environment(Document):
    """The contents of `environment.json`.

    Attributes:
        cpu: model name, or the architecture if the name is unknown.
        cores: logical processors of the machine.
        usable_cores: processors available to this process, for example in a container.
        memory: physical memory in bytes.
        accelerators: names of the devices, in order; empty on a CPU.
        packages: version by name; None for a package that is not installed.
        checkout: state of the git checkout; None if eqspec does not run from one.
        source: digest of eqspec's code, independent of git; None in older folders.
        decoder: JPEG decoder, with versions.
        threads: number of threads of torch, of each process.
        processes: that train together, each on a device of its own.
        compiled: whether blocks and losses were in fact compiled; None if not recorded.
        data: fingerprint of the training data; None before it has been read.
    """

    python: str
    platform: str
    host: str
    cpu: str
    cores: int
    usable_cores: int
    memory: int
    accelerators: tuple[str, ...]
    packages: dict[str, str | None]
    checkout: Checkout | None
    source: str | None = None
    decoder: str
    threads: int
    processes: int = 1
    compiled: bool | None = None
    data: str | None = None


def collect(*, threads: int, accelerators: Sequence[str] = (), processes: int = 1) -> Environment:
    """Describe the machine and the installation; works without tools such as git.

    Args:
        threads: number of threads of torch.
        accelerators: names of the devices that the run uses.
        processes: number of processes that train together.
    """
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        host=platform.node(),
        cpu=cpu_model(Path("/proc/cpuinfo")),
        cores=os.cpu_count() or 1,
        usable_cores=usable_cores(),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        accelerators=tuple(accelerators),
        packages=package_versions(),
        checkout=checkout(Path(eqspec.__file__).parent),
        source=source_digest(Path(eqspec.__file__).parent),
        decoder=decoder(),
        threads=threads,
        processes=processes,
    )


def package_versions() -> dict[str, str | None]:
    """Installed version of each of `PACKAGES`, read without importing them."""
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def cpu_model(cpuinfo: Path) -> str:
    """Read the processor model from a file such as `/proc/cpuinfo`, else the architecture."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def gpu_capabilities() -> tuple[float, ...]:
    """Return the compute capability of each NVIDIA GPU; empty without a driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    command = [program, "--query-gpu=compute_cap", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - fixed program, no shell
        return tuple(float(line) for line in done.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return ()


def cpu_flags(cpuinfo: Path) -> frozenset[str]:
    """Return the feature flags of the processor; empty if they are unknown."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    named = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(named, "").split())


def source_digest(package: Path) -> str:
    """Return the SHA-256 over the names and bytes of all Python files of a package."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def checkout(package: Path) -> Checkout | None:
    """Return the state of the git checkout that contains a package; None if there is none.

    Args:
        package: folder of the package. A repository that does not track it, for example one around
            a virtual environment, does not count.
    """
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    commit = _git(package, "rev-parse", "HEAD")
    # Untracked files count in the package alone: elsewhere they may be data or results.
    changes = _git(package, "status", "--porcelain", "--untracked-files=no")
    added = _git(package, "ls-files", "--others", "--exclude-standard", ".")
    if commit is None or changes is None or added is None:
        return None
    return Checkout(commit=commit, dirty=bool(changes or added))


def _git(folder: Path, *arguments: str) -> str | None:
    """Return the output of git; None without git or a repository, or after ten seconds."""
    program = shutil.which("git")
    if program is None:
        return None
    command = [program, "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - fixed program, no shell
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
