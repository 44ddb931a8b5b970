"""Case J: time until a command answers."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.marked import ROOT
from benchmarks.speed.case import Case, Contestant, Facts, Limit, Setting, Work

SPEC = "specs/paper/t1/all_rot.yaml"

HELP, CHECK, COLD, WARM = "eqspec --help", "check", "plan, cold cache", "plan, warm cache"


def command(name: str, arguments: Sequence[str], *, cold: bool = False) -> Contestant:
    """Return a command as a contestant: a fresh process, of which stored traces are its own.

    Args:
        arguments: of Python.
        cold: begin each turn without a stored trace.
    """

    def prepare(setting: Setting) -> Work:
        home = setting.folder / name.replace(" ", "-")
        started = 0

        def turn() -> Facts:
            nonlocal started
            started += cold
            return run(arguments, cache=home / str(started))

        return Work(turn)

    return Contestant(name, prepare)


def run(arguments: Sequence[str], *, cache: Path) -> Facts:
    """Run Python in the repository; return the processor time that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = ["env", f"XDG_CACHE_HOME={cache}", "TERM=dumb"]
    done = subprocess.run(  # noqa: S603 - no shell
        [*environment, sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or done.stdout.strip())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


CASE = Case(
    title=f"time until a command answers: {SPEC}",
    about="A fresh process each time, with files in the page cache of the system.",
    unit="commands",
    contestants=(
        command(HELP, ["-m", "eqspec", "--help"]),
        command(CHECK, ["-m", "eqspec", "check", SPEC]),
        command(COLD, ["-m", "eqspec", "plan", SPEC], cold=True),
        command(WARM, ["-m", "eqspec", "plan", SPEC]),
        command("import torch, timm", ["-c", "import torch, timm"]),
    ),
    limits=(
        Limit(HELP, at_most=0.2),
        Limit(CHECK, at_most=0.5),
        Limit(COLD, at_most=6.0),
        Limit(WARM, at_most=6.0),
        Limit(WARM, "cpu", at_most=1.0),
    ),
)
