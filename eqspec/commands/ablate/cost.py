"""Cost of the runs of a study, as columns of its table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.commands.running.usage import step_cost
from eqspec.nn.readouts.measurement import EvalProtocol, Measurement, Summary
from eqspec.runs.tables import Entry, Kind, Source

if TYPE_CHECKING:
    from eqspec.commands.ablate.study import GridRun
    from eqspec.commands.running.usage import StepCost

COST = "cost"
"""Name of the table."""

SUMMARY = Summary(
    title="cost of the training",
    metrics={
        "seconds_per_step": "s per step",
        "gflops_per_sample": "GFLOP per sample",
        "flops_over_plain": "FLOP / plain",
    },
    lower=frozenset({"seconds_per_step", "gflops_per_sample", "flops_over_plain"}),
)

_PROTOCOL = EvalProtocol(evaluation=COST, id=COST)


def costs(runs: Sequence[GridRun], *, done: Mapping[Path, object]) -> Iterator[Entry]:
    """Yield the cost of every complete run of a study that trains.

    These are the wall time of a step, without compilation, and the planned operations of a sample,
    forward and backward: as such, and over those of the run without a rewrite, if there is one kind
    of it. Only operations are the same on every machine and beside other programs.

    Args:
        done: the complete runs, by folder.

    Raises:
        FolderMismatch: a file of a run differs from its seal.
    """
    done_runs = (run for run in runs if run.folder in done)
    measured = ((run, step_cost(run.plan, run.folder)) for run in done_runs)
    found = [(run, cost) for run, cost in measured if cost is not None]
    plain = {cost.gflops for run, cost in found if run.plan.resolved.get("equivariance") == "none"}
    base = next(iter(plain)) if len(plain) == 1 else None
    for run, cost in found:
        source = Source(recipe=run.plan.recipe, seed=run.plan.seed, folder=run.folder)
        for point in run.points:
            for one in _measurements(cost, base=base):
                yield Entry(str(point), Kind.RUN, one, source=source)


def _measurements(cost: StepCost, *, base: float | None) -> Iterator[Measurement]:
    yield Measurement("seconds_per_step", cost.seconds, unit="s", protocol=_PROTOCOL)
    yield Measurement("gflops_per_sample", cost.gflops, unit="GFLOP", protocol=_PROTOCOL)
    if base is not None:
        yield Measurement("flops_over_plain", cost.gflops / base, protocol=_PROTOCOL)
