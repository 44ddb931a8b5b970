"""What `torch.compile` needs on this machine. Free of torch, so that checks can ask."""

from __future__ import annotations

import os
import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The tools that turn compiled graphs into machine code.

    Attributes:
        compiler: whether the C++ compiler `g++` is on the path.
        headers: whether Python's headers are installed.
    """

    compiler: bool
    headers: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not there, by the name under which it is installed."""
        wanted = ((self.compiler, "a C++ compiler (`g++`)"), (self.headers, "Python's headers"))
        return tuple(name for there, name in wanted if not there)


def find_toolchain() -> Toolchain:
    """Looks for the tools."""
    headers = Path(sysconfig.get_paths()["include"]) / "Python.h"
    readable = os.access(headers, os.R_OK)  # what may not be read cannot be compiled with either
    return Toolchain(compiler=shutil.which("g++") is not None, headers=readable)
