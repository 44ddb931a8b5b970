"""Level L2 of an audit: whether the first steps, trained again, have the recorded numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

import torch
from pydantic import ValidationError

from eqspec.build.program import build_program, initial_graph
from eqspec.commands.audit.findings import Disagreement, Finding, Level
from eqspec.commands.planning.data_locations import DataLocations, open_dataset
from eqspec.commands.running.out_of_memory import within_memory
from eqspec.compile.types.initial_weights import InitPlan
from eqspec.compile.types.plan import Plan
from eqspec.engine.events import Stepped
from eqspec.engine.train import train
from eqspec.errors import EqspecError
from eqspec.runs import checkpoint, journal
from eqspec.runs.curves import TRAIN, Curves, compare_curves
from eqspec.runs.folder import RunFolder
from eqspec.runs.journal import Row
from eqspec.runs.recorded_plan import compiled_before, recorded_environment


def replays(
    folder: RunFolder, *, steps: int, data: DataLocations, init: InitPlan | None = None
) -> Finding:
    """Train the first steps again, in memory, and compare every number with the journal.

    Args:
        init: where the weights to start from are here, if not where the plan has them.
    """
    try:
        if not folder.identity().train.steps:
            return _published(folder)
        with within_memory():
            return _replayed(folder, steps=steps, data=data, init=init)
    except ValidationError:
        return _unknown("the plan was made by another version of eqspec")
    except EqspecError as error:
        return _unknown(f"cannot be replayed here: {error.message}")


def _replayed(
    folder: RunFolder, *, steps: int, data: DataLocations, init: InitPlan | None
) -> Finding:
    recorded = tuple(takewhile(lambda row: row.step <= steps, journal.read(folder.metrics)))
    done = max((row.step for row in recorded if row.name == TRAIN), default=0)
    if not done:
        return _unknown("no step has been recorded yet")
    plan = Plan.model_validate(folder.plan())
    plan = plan if init is None else plan.model_copy(update={"init": init})
    before = compiled_before(folder.path)
    curves = compare_curves(recorded, _rows(plan, steps=done, data=data, before=before))
    return _finding(folder, curves, steps=done)


def _published(folder: RunFolder) -> Finding:
    """Compare the published weights, read again, with those that the run saved."""
    plan = Plan.model_validate(folder.plan())
    kept = checkpoint.load(folder.checkpoints)
    if kept is None:
        return _unknown("the published weights have not been saved yet")
    again = initial_graph(plan, device=torch.device("cpu")).state_dict()
    other = sorted(n for n in again if not torch.equal(again[n], kept.tensors[n].cpu()))
    if not other:
        message = "nothing was trained; the published weights, read again, are those of the run"
        return Finding(Level.REPLAYS, "replay", holds=True, message=message)
    found = [Disagreement(name, "saved", "different") for name in other]
    return _differs("the published weights, read again, differ", found)


def _rows(plan: Plan, *, steps: int, data: DataLocations, before: bool | None) -> Iterator[Row]:
    dataset = open_dataset(plan.data, split="train", locations=data, own=plan.data.name)
    dataset.list_files()
    program = build_program(plan, dataset=dataset, compiled_before=before)
    for event in train(program, until=steps):
        if isinstance(event, Stepped):
            yield Row(step=event.step, name=TRAIN, values=event.metrics)


def _finding(folder: RunFolder, curves: Curves, *, steps: int) -> Finding:
    lacking = [Disagreement(name, "recorded", None) for name in curves.only_a]
    beside = tuple(Disagreement(name, None, "new") for name in curves.only_b)
    parting = curves.parting
    if parting is None and not lacking:
        first = "the first step has" if steps == 1 else f"the first {steps} steps have"
        message = f"{first} the recorded numbers, bit for bit"
        return Finding(Level.REPLAYS, "replay", holds=True, message=message, beside=beside)
    if parting is None:
        return _differs("recorded numbers are missing here", lacking)
    gaps = [Disagreement(g.name, repr(g.a), repr(g.b)) for g in parting.gaps]
    widest = max(gap.relative for gap in parting.gaps)
    message = f"diverges at step {parting.step}, by {widest:.2g} of a number; {_reason(folder)}"
    return _differs(message, [*gaps, *lacking])


def _differs(message: str, found: list[Disagreement]) -> Finding:
    return Finding(
        Level.REPLAYS, "replay", holds=False, message=message, disagreements=tuple(found)
    )


def _reason(folder: RunFolder) -> str:
    """A likely reason of the difference."""
    then = recorded_environment(folder.path)
    processes = then.get("processes", 1)
    if processes != 1:
        return f"a single process adds in another order than the run's {processes}"
    threads, here = then.get("threads"), torch.get_num_threads()
    if threads != here:
        add = "1 thread adds" if here == 1 else f"{here} threads add"
        return f"{add} in another order than the run's {threads}: try OMP_NUM_THREADS={threads}"
    return "L1 lists the differences of this machine"


def _unknown(message: str) -> Finding:
    return Finding(Level.REPLAYS, "replay", None, message)
