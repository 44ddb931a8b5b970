"""Case K: memory as `eqspec plan` estimates it beside memory as measured."""

from __future__ import annotations

from pathlib import Path

import torch

from benchmarks.speed.case import Case, Contestant, Facts, Limit, Rounds, Setting, Work
from benchmarks.speed.cases import e_ibot, e_vicreg
from benchmarks.speed.work.added_cost import Method
from benchmarks.speed.work.pictures import pictures
from benchmarks.speed.work.training import program_of, spec_file, steps_of, with_constant_batch

RATIO = "memory ÷ plan"
VICREG, IBOT = "VICReg, ViT-S/16", "iBOT, ViT-S/16"


def contestant(name: str, method: Method) -> Contestant:
    """Return a training that compares its peak with the plan's."""

    def prepare(setting: Setting) -> Work:
        from eqspec.commands.planning.estimate import peak
        from eqspec.commands.planning.traced_cost import traced

        size = method.size(setting)
        text = method.spec(setting, size) + 'machine: {compile: "off"}\n'
        data = pictures(setting.folder / "pictures", count=size.images)
        torch.mm(torch.ones(64, 64), torch.ones(64, 64)).sum()  # libraries are loaded before
        before = memory("VmRSS", device=setting.device)
        program = program_of(spec_file(text, folder=setting.folder, name="k"), data=data)
        steps = steps_of(with_constant_batch(program))
        plan = program.plan
        estimated = peak(plan, traced(plan, cache=None), share=plan.train.batch)

        def turn() -> Facts:
            next(steps)
            return {RATIO: (memory("VmHWM", device=setting.device) - before) / estimated}

        return Work(turn, {"planned, GiB": estimated / 2**30})

    return Contestant(name, prepare)


def memory(key: str, *, device: str) -> float:
    """Return this process's memory, or its peak (`VmHWM`), in bytes; on a GPU, that of tensors."""
    if device == "cuda":
        peak = torch.cuda.max_memory_allocated() if key == "VmHWM" else 0
        return float(peak)
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * int(next(line.split()[1] for line in lines if line.startswith(key)))


CASE = Case(
    title="memory of a training step as planned and as measured",
    about=(
        "Peak of resident memory above what the process had before its model was built, over the "
        "estimate that `eqspec plan` prints; uncompiled. On a GPU, the peak of allocated tensors."
    ),
    unit="steps",
    contestants=(contestant(VICREG, e_vicreg.METHOD), contestant(IBOT, e_ibot.METHOD)),
    limits=tuple(Limit(name, RATIO, at_least=0.85, at_most=1.15) for name in (VICREG, IBOT)),
    devices=("cpu", "cuda"),
    rounds=Rounds(least=2, seconds=0.0),
)
