"""Case H: the first step of a compiled training."""

from __future__ import annotations

import shutil
import subprocess
import sys

from benchmarks.marked import ROOT
from benchmarks.speed.case import Case, Comparison, Contestant, Facts, Setting, Work
from benchmarks.speed.work.pictures import pictures
from benchmarks.speed.work.training import Size, spec_file
from benchmarks.speed.work.vicreg import TINY, spec

COLD, WARM = "blocks, cold cache", "blocks, warm cache"
WHOLE = "whole model, cold cache"


def size(setting: Setting) -> Size:
    """Return the size of the step."""
    sizes = {"full": Size(64, 32, 64), "quick": Size(64, 8, 16), "toy": Size(32, 4, 8)}
    return sizes[setting.scale]


def contestant(name: str, *, mode: str, cold: bool) -> Contestant:
    """Return a first step in a process of its own.

    Args:
        mode: of `benchmarks.speed.work.first_step`.
        cold: begin each turn with an empty cache.
    """

    def prepare(setting: Setting) -> Work:
        s = size(setting)
        text = spec(TINY, precision="fp32", size=s, machine='machine: {compile: "off"}\n')
        file = spec_file(text, folder=setting.folder, name=name.replace(" ", "-"))
        data = pictures(setting.folder / "pictures", count=s.images)
        cache = setting.folder / f"cache-{file.stem}"
        module = "benchmarks.speed.work.first_step"
        command = [sys.executable, "-m", module, str(file), str(data), mode]

        def turn() -> Facts:
            if cold:
                shutil.rmtree(cache, ignore_errors=True)
            done = subprocess.run(  # noqa: S603 - no shell
                ["env", f"TORCHINDUCTOR_CACHE_DIR={cache}", *command],  # noqa: S607 - of any system
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise RuntimeError(done.stderr.strip().splitlines()[-1])
            return {"seconds": float(done.stdout)}

        return Work(turn)

    return Contestant(name, prepare, warm_up=0 if cold else 1)


CASE = Case(
    title="first step of a compiled training, ViT-Ti/16 at 64 px",
    about=(
        "Forward, backward and optimizer of the first step, with compilation: eqspec compiles "
        "blocks one by one, beside torch.compile of the encoders as a whole. Takes minutes: "
        "measured only when it is named."
    ),
    unit="steps",
    contestants=(
        contestant(COLD, mode="blocks", cold=True),
        contestant(WARM, mode="blocks", cold=False),
        contestant(WHOLE, mode="whole", cold=True),
    ),
    comparisons=lambda _: (
        Comparison(WHOLE, COLD, at_least=3.0),
        Comparison(WHOLE, WARM, at_least=10.0),
    ),
    by_default=False,
)
