"""Tools that `torch.compile` needs on this machine. Free of torch, for use in checks."""

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
        """Missing tools, by the names under which they are installed."""
        wanted = ((self.compiler, "a C++ compiler (`g++`)"), (self.headers, "Python's headers"))
        return tuple(name for there, name in wanted if not there)


def find_toolchain() -> Toolchain:
    """Find the tools on this machine."""
    headers = Path(sysconfig.get_paths()["include"]) / "Python.h"
    readable = os.access(headers, os.R_OK)  # an unreadable header is as good as none
    return Toolchain(compiler=shutil.which("g++") is not None, headers=readable)
