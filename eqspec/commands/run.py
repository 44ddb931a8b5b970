"""`eqspec run`: trains a plan in its folder, evaluates, seals; again, goes on where it stopped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from eqspec.build.program import Program, build_program, choose_device
from eqspec.build.trace import trace
from eqspec.commands.events import (
    Evaluated,
    Judging,
    Opened,
    RunEvent,
    Saved,
    Sealed,
    Stopped,
)
from eqspec.commands.judging import Judged, judge_plan, open_splits
from eqspec.compile.plan import EvalPlan, Pause, Plan
from eqspec.engine.events import Paused, Stepped
from eqspec.engine.train import train
from eqspec.report.reconstructions import reconstruction_strip
from eqspec.report.strip import STRIP
from eqspec.runs import checkpoint
from eqspec.runs.artifacts import write_bytes
from eqspec.runs.environment import collect
from eqspec.runs.folder import Identity, Opening, RunFolder, place
from eqspec.runs.journal import Journal
from eqspec.runs.seal import Outcome, Status
from eqspec.spec.dump import write_yaml

if TYPE_CHECKING:
    from eqspec.build.graph import TrainGraph
    from eqspec.commands.judging import Splits
    from eqspec.runs.live import Live


def never() -> bool:
    """Nobody asks for a stop."""
    return False


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One plan to be run.

    Attributes:
        spec_text: the spec as it was written.
        root: folder of all runs.
        data: folder of the dataset, where it needs one.
        steps: stop after so many steps in all.
        untrained: also judge the encoder as it was before training.
        should_stop: asked after every step, and before every evaluation; once it says so, what is
            done is saved and the run stops.
    """

    plan: Plan
    spec_text: str
    root: Path
    data: Path | None = None
    steps: int | None = None
    untrained: bool = True
    should_stop: Callable[[], bool] = never


def run(request: RunRequest) -> Generator[RunEvent]:
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
        stored = _stored(folder, request)
        if record is not None and record.status is Status.FINISHED and None not in stored:
            yield Opened(plan=plan, folder=path, done=plan.train.steps, program=None)
            yield from (Evaluated(judged=j, step=j.step) for j in stored if j is not None)
            yield Sealed(folder=path)
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
        plan=plan,
        folder=folder.path,
        done=done,
        program=program,
        warnings=found.warnings if found else (),
    )
    pauses = {pause.step: pause for pause in plan.timetable}
    with Journal(folder.metrics) as metrics, Journal(folder.timing) as timing:
        metrics.rewind(done)
        timing.rewind(done)
        if done in pauses:
            yield from _judge_at(pauses[done], request, folder, program=program, splits=splits)
        for event in train(program, start=done, until=request.steps):
            if isinstance(event, Stepped):
                metrics.write(event.step, name="train", values=event.metrics)
                timing.write(event.step, name="train", values=_clock(event))
                live.beat(step=event.step)
                done = event.step
                yield event
                if done in pauses:
                    continue  # a stop here would leave out what the pause is for
            else:
                metrics.sync()
                timing.sync()
                yield from _pause(event, request, folder, program=program, splits=splits)
            if request.should_stop():
                break
        if done < plan.train.steps:
            metrics.sync()
            _save(folder, program, step=done)
            yield Stopped(folder=folder.path, step=done)
            return
    yield from _finish(request, folder, program=program, splits=splits)


def _clock(event: Stepped) -> dict[str, float]:
    return {"seconds": event.seconds, "waited": event.waited}


def _finish(
    request: RunRequest, folder: RunFolder, *, program: Program, splits: Splits
) -> Iterator[RunEvent]:
    """What is to be done once the weights stand still for good."""
    plan = request.plan
    for step in _last_steps(request):
        graph = program.graph if step else None
        for evaluation in plan.evaluations:
            yield from _judge(
                evaluation, graph, request=request, folder=folder, splits=splits, step=step
            )
    if request.should_stop():
        yield Stopped(folder=folder.path, step=plan.train.steps)
        return
    strip = reconstruction_strip(program, splits.held_out)
    if strip is not None:
        write_bytes(folder.path / STRIP, data=strip)
    folder.seal(Outcome(status=Status.FINISHED, step=plan.train.steps))
    yield Sealed(folder=folder.path)


def _pause(
    event: Paused, request: RunRequest, folder: RunFolder, *, program: Program, splits: Splits
) -> Iterator[RunEvent]:
    if event.pause.checkpoint:
        _save(folder, program, step=event.step)
        yield Saved(step=event.step)
    yield from _judge_at(event.pause, request, folder, program=program, splits=splits)


def _judge_at(
    pause: Pause, request: RunRequest, folder: RunFolder, *, program: Program, splits: Splits
) -> Iterator[RunEvent]:
    """The evaluations of a pause before the last one."""
    if pause.step == request.plan.train.steps:
        return
    for evaluation in request.plan.evaluations:
        if evaluation.id in pause.evaluations:
            yield from _judge(
                evaluation,
                program.graph,
                request=request,
                folder=folder,
                splits=splits,
                step=pause.step,
            )


def _judge(
    evaluation: EvalPlan,
    graph: TrainGraph | None,
    *,
    request: RunRequest,
    folder: RunFolder,
    splits: Splits,
    step: int,
) -> Iterator[RunEvent]:
    """One evaluation, unless the run is to stop."""
    if request.should_stop():
        return
    if Judged.read(folder, evaluation=evaluation, step=step) is None:
        yield Judging(evaluation=evaluation, step=step)
    judged = judge_plan(
        folder, graph, plan=request.plan, evaluation=evaluation, splits=splits, step=step
    )
    yield Evaluated(judged=judged, step=step)


def _last_steps(request: RunRequest) -> tuple[int, ...]:
    """After which steps the encoder is judged at the end of a run; 0 is before any training."""
    last = request.plan.train.steps
    return (0, last) if request.untrained else (last,)


def _stored(folder: RunFolder, request: RunRequest) -> tuple[Judged | None, ...]:
    """What the end of the run asks for, as far as a folder holds it."""
    return tuple(
        Judged.read(folder, evaluation=evaluation, step=step)
        for step in _last_steps(request)
        for evaluation in request.plan.evaluations
    )


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
    # A checkpoint's state is what was saved, and this was a dict.
    program.optimizer.load_state_dict(cast("dict[str, Any]", found.state["optimizer"]))
    return found.step
