"""The estimated cost of a plan as rows: parameters, operations, memory, disk and hours."""

from __future__ import annotations

from collections.abc import Sequence

from eqspec.cli.render.graph import Row
from eqspec.commands.plan import Cost, Described
from eqspec.commands.planning.estimate import HEADROOM, Disk, OnMachine
from eqspec.commands.planning.fine_tunings import FineTuningCost
from eqspec.report.numbers import large
from eqspec.spec.phrases import counted

_LONG = 1.0  # hours; shorter times are shown in minutes


_CAVEAT = (
    "counts the tensors of an uncompiled step at its peak; torch itself needs about 0.8 GiB more "
    f"per process, and its allocator reserves up to {HEADROOM:g} times the counted memory"
)


def cost_rows(described: Described) -> list[Row]:
    """Return the estimated cost of a plan; no rows if it was not traced."""
    cost, plan = described.cost, described.plan
    if cost is None:
        return []
    trace = cost.trace
    each = ", ".join(f"{name} {large(count)}" for name, count in trace.parameters.items())
    if not plan.trains:
        return [
            ["parameters", f"{large(trace.trained)}, none of them trained"],
            ["operations", f"{trace.gflops_per_sample:.3g} GFLOPs per image"],
            ["disk", _disk(cost.disk)],
            *_fine_tunings(cost.fine_tunings),
        ]
    rows: list[Row] = [["parameters", f"{large(trace.trained)} trained: {each}"]]
    if trace.frozen:
        rows.append(["", f"{large(trace.frozen)} in teachers"])
    more: list[Row] = [
        ["operations", _operations(cost, batch=plan.train.batch)],
        ["memory", _memory(cost, batch=plan.train.batch)],
        ["", _CAVEAT],
        ["disk", _disk(cost.disk)],
    ]
    more += _fine_tunings(cost.fine_tunings)
    return [*rows, *more, *([] if cost.machine is None else _machine(cost.machine))]


def size(count: float) -> str:
    """Format a number of bytes to three digits: 1.23 GiB, 45.6 MiB."""
    for unit, name in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count / 2**10:.3g} KiB"


def _operations(cost: Cost, *, batch: int) -> str:
    trace = cost.trace
    return (
        f"{trace.gflops_per_sample:.3g} GFLOPs per sample forward, "
        f"{trace.train_gflops_per_sample:.3g} in training; "
        f"{large(trace.train_gflops_per_sample * 1e9 * batch)}FLOPs per step"
    )


def _memory(cost: Cost, *, batch: int) -> str:
    memory = cost.trace.memory
    rest = cost.peak - memory.weights - memory.gradients - memory.optimizer
    return (
        f"about {size(cost.peak)} with {counted(batch, 'sample')} on one device: "
        f"weights {size(memory.weights)}, gradients {size(memory.gradients)}, "
        f"optimizer {size(memory.optimizer)}, images and activations {size(rest)}"
    )


def _disk(disk: Disk) -> str:
    several = counted(disk.checkpoints, "checkpoint")
    return (
        f"about {size(disk.total)}: {several} of {size(disk.checkpoint)}, "
        f"journals {size(disk.journals)}, results {size(disk.results)}"
        + (f", trainings of evaluations {size(disk.trainings)}" if disk.trainings else "")
        + (f"; features {size(disk.features)} while it evaluates" if disk.features else "")
    )


def _fine_tunings(found: Sequence[FineTuningCost]) -> list[Row]:
    """Return a row for each evaluation that trains."""
    return [["trained by", f"{one.evaluation}: {_fine_tuning(one)}"] for one in found]


def _fine_tuning(one: FineTuningCost) -> str:
    trainings = counted(one.trainings, "training")
    if one.steps is None:
        return f"{trainings}; how long and how large depends on the data, which have not been read"
    return (
        f"{trainings} of {counted(one.steps, 'step')} with {counted(one.batch, 'image')}, "
        f"{large(one.parameters)} parameters, {large(one.flops)}FLOPs and {size(one.disk)} "
        "of disk each"
    )


def _machine(found: OnMachine) -> list[Row]:
    many = counted(found.devices, "device")
    rows: list[Row] = [
        ["machine", f"{found.machine}: {many}, {counted(found.share, 'sample')} each"],
        ["", _fit(found)],
    ]
    if found.problem is not None:
        rows.insert(1, ["", f"{found.problem} equally"])
    if found.hours is None:
        return [*rows, ["time", "the card has no figure for this precision"]]
    low, high = found.hours
    rows.append(["time", f"{_hours(low)} to {_hours(high)}, training alone"])
    return [*rows, ["", f"{found.evidence} share of the peak: {found.source}"]]


def _fit(found: OnMachine) -> str:
    memory = (
        f"about {size(found.needed)} of the {size(found.there)} of a device, "
        f"with room for {HEADROOM:g} times as much"
    )
    if found.fits:
        return f"{memory}: fits"
    if found.pieces is None:
        return f"{memory}: does not fit, with any number of micro-batches"
    return f"{memory}: does not fit; `--set machine.micro_batches={found.pieces}` does"


def _hours(hours: float) -> str:
    if hours >= _LONG:
        return f"{hours:.3g} h" if hours < 100 else f"{hours:,.0f} h"
    return f"{hours * 60:.2g} min"
