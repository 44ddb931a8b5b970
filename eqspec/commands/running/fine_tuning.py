"""Trainings of evaluations: runs of their own inside a run's folder.

    <run>/evaluations/<id>/step-<n>/    of the encoder after n steps
    <run>/evaluations/<id>/<control>/   of a control of the encoder before training

Each is a run folder like any other: it saves checkpoints, resumes, stops at a number that is not
finite, and is sealed. Its checkpoint contains the encoder, frozen or not, since the run keeps only
its last checkpoints (`keep:`) while evaluations of earlier steps stay. The weights that a training
starts from are in `.live/` only while it goes on; they are written again each time it continues.
A training that starts from the initial weights is one control (`FineTune.start`).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from safetensors.torch import save as serialized

from eqspec.build.program import choose_device, initial_graph
from eqspec.commands.planning.data_locations import DataLocations
from eqspec.commands.planning.fine_tune_data import found_data
from eqspec.commands.running.damaged_images import with_damage
from eqspec.commands.running.due import DueEvaluation
from eqspec.commands.running.evaluation import (
    child_folder,
    read_result,
    result_name,
    trained_names,
)
from eqspec.commands.running.events import FineTuning, RunEvent, Stopped
from eqspec.commands.running.log_lines import log_lines
from eqspec.commands.running.prepare import CompleteRun, PreparedRun, prepare
from eqspec.commands.running.request import RunRequest
from eqspec.commands.running.training import train_run
from eqspec.compile.fine_tune import fine_tune_plan
from eqspec.compile.types.initial_weights import InitPlan
from eqspec.errors import EqspecError, SpecError
from eqspec.registry.catalog import open_catalog
from eqspec.runs.artifacts import replacing, sha256_of
from eqspec.runs.live import FOLDER as LIVE
from eqspec.runs.record import Outcome, Status
from eqspec.spec.dump import write_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from eqspec.build.graph.training_graph import TrainGraph
    from eqspec.build.parallel.strategy import Strategy
    from eqspec.commands.running.options import RunOptions
    from eqspec.commands.running.run_data import Splits
    from eqspec.compile.types.plan import DataPlan, EvalPlan, Plan
    from eqspec.runs.folder import RunFolder


_ENCODER = "encoder.safetensors"


@dataclass(frozen=True, slots=True)
class FineTuner:
    """Runs the trainings of one run's evaluations.

    Attributes:
        folder: of the run whose encoder is evaluated.
        plan: of that run.
        options: of the command.
        strategy: how a training is spread over processes.
    """

    folder: RunFolder
    plan: Plan
    options: RunOptions
    strategy: Strategy

    def train(
        self, evaluation: EvalPlan, *, step: int, graph: TrainGraph | None, data: Splits
    ) -> Generator[RunEvent, None, bool]:
        """Carry out the missing trainings for a step's result; return whether all are complete.

        Args:
            evaluation: one that trains.
            step: after which the encoder is evaluated.
            graph: its weights; None for the encoder before training.
            data: of the evaluation.
        """
        fresh = self.plan.model_copy(update={"published": None})
        for name in trained_names(evaluation, step=step):
            evaluated = name == result_name(evaluation, step=step)
            graph_at, plan = (graph, self.plan) if evaluated else (None, fresh)
            if self.strategy.decide(read_result(self.folder, name=name) is not None):
                continue
            device = choose_device(plan.machine.device)
            start = graph_at or initial_graph(plan, device=device)
            weights = child_folder(self.folder, evaluation, name=name) / LIVE / _ENCODER
            try:
                request = self._request(evaluation, weights=weights, start=start, data=data)
                done = yield from self._train(evaluation, request, step=step)
            finally:
                if self.strategy.main:
                    weights.unlink(missing_ok=True)
            if not done:
                return False
        return True

    def _request(
        self, evaluation: EvalPlan, *, weights: Path, start: TrainGraph, data: Splits
    ) -> RunRequest:
        if self.strategy.main:
            write_encoder(weights, start)
        self.strategy.decide(self.strategy.main)  # others wait until the weights are written
        init = InitPlan(weights=str(weights.absolute()), sha256=sha256_of(weights), partial=True)
        found = found_data(evaluation, data.train)
        try:
            plan = fine_tune_plan(
                self.plan, evaluation, data=found, init=init, catalog=open_catalog()
            )
        except SpecError as error:  # its locations are in a spec that is in no file
            message = f"`{evaluation.name}` cannot be trained: {error.message}"
            raise EqspecError(message) from error
        there = locations_for(self.options.data, parent=self.plan, dataset=plan.data)
        return RunRequest(
            plan=plan,
            options=replace(self.options, data=there, steps=None, again=False),
            spec_text=write_yaml(plan.resolved),
            folder=weights.parent.parent,
        )

    def _train(
        self, evaluation: EvalPlan, request: RunRequest, *, step: int
    ) -> Generator[RunEvent, None, bool]:
        with prepare(request, strategy=self.strategy) as child:
            if isinstance(child, CompleteRun):
                return True
            done = True
            for event in with_damage(train_run(child, evaluate=_nothing), data=child.data):
                if child.log is not None:
                    for line in log_lines(event):
                        child.log.write(line)
                done = done and not isinstance(event, Stopped)
                yield FineTuning(evaluation=evaluation, step=step, plan=child.plan, event=event)
            if done:
                _seal(child)
        return done


def _nothing(run: PreparedRun, due: Iterable[DueEvaluation]) -> Iterator[RunEvent]:  # noqa: ARG001 - the signature of evaluations
    """Yield nothing: a fine-tuning is evaluated by the evaluation that it belongs to."""
    yield from ()


def _seal(child: PreparedRun) -> None:
    if child.log is not None:
        child.log.write("finished")
        child.folder.seal(Outcome(status=Status.FINISHED, step=child.plan.train.steps))


def locations_for(data: DataLocations, *, parent: Plan, dataset: DataPlan) -> DataLocations:
    """Return the locations of datasets for a fine-tuning, whose own dataset may differ."""
    return data if dataset.name == parent.data.name else DataLocations(named=data.named)


def write_encoder(path: Path, graph: TrainGraph) -> None:
    """Write the encoder under evaluation with the tensor names of a fine-tuned graph."""
    tensors = graph.encoder().state_dict().items()
    named = {f"students.encoder.{name}": tensor.contiguous() for name, tensor in tensors}
    with replacing(path, durable=False) as temporary:
        temporary.write_bytes(serialized(named))
