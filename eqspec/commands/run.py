"""`eqspec run`: trains a plan in its folder, evaluates, seals; again, it goes on where it stopped."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from eqspec.build.program import Program, build_program, choose_device
from eqspec.build.trace import trace
from eqspec.commands.judging import Judged, judge_plan, open_splits
from eqspec.compile.plan import Plan
from eqspec.engine.events import Paused, Stepped
from eqspec.engine.train import train
from eqspec.runs import checkpoint
from eqspec.runs.environment import collect
from eqspec.runs.folder import Identity, Opening, RunFolder, place
from eqspec.runs.journal import Journal
from eqspec.runs.seal import Outcome, Status
from eqspec.spec.dump import write_yaml

if TYPE_CHECKING:
    from eqspec.commands.judging import Splits
    from eqspec.runs.live import Live


@dataclass(frozen=True, slots=True)
class Opened:
    """The folder is there; training begins, goes on, or is already done."""

    plan: Plan
    folder: Path
    done: int
    program: Program | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint was written."""

    step: int


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation has been made (or was found in the folder)."""

    judged: Judged
    step: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """As many steps as were asked for are done, but not all of the plan's."""

    folder: Path
    step: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """The run is complete."""

    folder: Path


RunEvent = Opened | Stepped | Saved | Evaluated | Stopped | Sealed


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One plan to be run.

    Attributes:
        spec_text: the spec as it was written.
        root: folder of all runs.
        data: folder of the dataset, where it needs one.
        steps: stop after so many steps in all.
        untrained: also judge the encoder as it was before training.
    """

    plan: Plan
    spec_text: str
    root: Path
    data: Path | None = None
    steps: int | None = None
    untrained: bool = True


def run(request: RunRequest) -> Iterator[RunEvent]:
    """Runs a plan; whatever happened before in its folder is not done again.

    Raises:
        FolderMismatch: when the folder belongs to another recipe, seed or data.
        EqspecError: when training or an evaluation fails.
    """
    plan = request.plan
    identity = Identity.model_validate(plan.model_dump(mode="json"))
    path = place(request.root, identity=identity)
    splits = open_splits(plan, folder=request.data)
    folder = _existing(path, plan)
    with (folder or RunFolder(path)).hold() as live:
        if folder is None:
            folder = RunFolder.create(path, opening=_opening(request))
        folder.guard_data(splits.train.fingerprint())
        record = folder.record()
        if record is not None and record.status is Status.FINISHED:
            yield Opened(plan=plan, folder=path, done=plan.train.steps, program=None)
            yield from _stored(folder, plan, untrained=request.untrained)
            return
        folder.unseal()
        yield from _train_and_judge(request, folder, splits=splits, live=live)


def _existing(path: Path, plan: Plan) -> RunFolder | None:
    if not (path / "plan.json").is_file():
        return None
    folder = RunFolder.open(path)
    folder.guard(recipe=plan.recipe, seed=plan.seed)
    return folder


def _train_and_judge(
    request: RunRequest, folder: RunFolder, *, splits: Splits, live: Live
) -> Iterator[RunEvent]:
    plan = request.plan
    program = build_program(plan, dataset=splits.train)
    found = checkpoint.load(folder.checkpoints)
    done = _restore(program, found)
    yield Opened(
        plan=plan, folder=folder.path, done=done, program=program, warnings=found.warnings if found else ()
    )
    with Journal(folder.metrics) as metrics, Journal(folder.timing) as timing:
        metrics.rewind(done)
        timing.rewind(done)
        for event in train(program, start=done, until=request.steps):
            if isinstance(event, Stepped):
                metrics.write(event.step, name="train", values=event.metrics)
                timing.write(
                    event.step, name="train", values={"seconds": event.seconds, "waited": event.waited}
                )
                live.beat(step=event.step)
                done = event.step
                yield event
            else:
                metrics.sync()
                timing.sync()
                yield from _pause(event, request, folder, program=program, splits=splits)
        if done < plan.train.steps:
            _save(folder, program, step=done)
            yield Stopped(folder=folder.path, step=done)
            return
    yield from _judge_missing(request, folder, program=program, splits=splits)
    folder.seal(Outcome(status=Status.FINISHED, step=done))
    yield Sealed(folder=folder.path)


def _pause(
    event: Paused, request: RunRequest, folder: RunFolder, *, program: Program, splits: Splits
) -> Iterator[RunEvent]:
    if event.pause.checkpoint:
        _save(folder, program, step=event.step)
        yield Saved(step=event.step)
    if event.step < request.plan.train.steps:
        for evaluation in request.plan.evaluations:
            if evaluation.id in event.pause.evaluations:
                judged = judge_plan(
                    folder, program.graph, plan=request.plan, evaluation=evaluation, splits=splits, step=event.step
                )
                yield Evaluated(judged=judged, step=event.step)


def _judge_missing(
    request: RunRequest, folder: RunFolder, *, program: Program, splits: Splits
) -> Iterator[RunEvent]:
    """Every evaluation of the last step that the folder does not hold yet."""
    plan = request.plan
    for evaluation in plan.evaluations:
        rows = ("untrained", "trained") if request.untrained else ("trained",)
        for row in rows:
            judged = judge_plan(
                folder,
                program.graph if row == "trained" else None,
                plan=plan,
                evaluation=evaluation,
                splits=splits,
                step=plan.train.steps if row == "trained" else 0,
            )
            yield Evaluated(judged=judged, step=judged.step)


def _stored(folder: RunFolder, plan: Plan, *, untrained: bool) -> Iterator[RunEvent]:
    """What a finished folder holds."""
    for evaluation in plan.evaluations:
        for step in (0, plan.train.steps) if untrained else (plan.train.steps,):
            judged = Judged.read(folder, evaluation=evaluation, step=step)
            if judged is not None:
                yield Evaluated(judged=judged, step=step)
    yield Sealed(folder=folder.path)


def _opening(request: RunRequest) -> Opening:
    plan = request.plan
    device = choose_device(plan.machine.device)
    names = (torch.cuda.get_device_name(device),) if device.type == "cuda" else ()
    return Opening(
        spec=request.spec_text,
        resolved=write_yaml(plan.resolved),
        plan=plan.model_dump(mode="json", by_alias=True),
        trace=dataclasses.asdict(trace(plan)),
        environment=collect(threads=torch.get_num_threads(), accelerators=names),
    )


def _save(folder: RunFolder, program: Program, *, step: int) -> None:
    checkpoint.save(
        folder.checkpoints,
        step=step,
        tensors=program.graph.state_dict(),
        state={"optimizer": program.optimizer.state_dict()},
    )


def _restore(program: Program, found: checkpoint.Checkpoint | None) -> int:
    """Puts a checkpoint's weights and optimizer state in place; returns the steps that are done."""
    if found is None:
        return 0
    program.graph.load_state_dict(found.tensors)
    state = found.state["optimizer"]
    assert isinstance(state, dict), "saved as one"
    program.optimizer.load_state_dict(state)
    return found.step
