"""Evaluations of one run: measure states of its model on its data, and save the results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from eqspec.build.frozen_model import frozen
from eqspec.build.program import choose_device, initial_graph
from eqspec.commands.planning.run_plan import plan_in
from eqspec.commands.running.evaluation import (
    EvaluationResult,
    child_folder,
    control_names,
    read_result,
    result_name,
    trained_names,
)
from eqspec.commands.running.model import weights_at
from eqspec.compile.evaluation_stages import fine_tuning, most_images, shared_features
from eqspec.compile.planner import UNTRAINED
from eqspec.evals.bench import Bench
from eqspec.evals.controls import CONTROLS
from eqspec.evals.evaluate import evaluate
from eqspec.evals.feature_files import FeatureFiles
from eqspec.evals.features import Subject
from eqspec.evals.fine_tuned import FineTunedModel
from eqspec.evals.predictor import Predictor, predictor
from eqspec.nn.readouts.image_features import Split
from eqspec.runs.folder import RunFolder
from eqspec.runs.results import save_result

if TYPE_CHECKING:
    from pathlib import Path

    from eqspec.build.graph.training_graph import TrainGraph
    from eqspec.commands.running.run_data import RunData, Splits
    from eqspec.compile.types.plan import EvalPlan, Plan
    from eqspec.nn.readouts.measurement import ResultSet


NO_LIMITS: Mapping[Split, int | None] = MappingProxyType({})
"""Features are encoded as they are asked for."""

Measurable = Callable[[], Bench | FineTunedModel]
"""Function that builds the model to evaluate, called if the result is missing."""


class Evaluator:
    """Evaluator of the model of one run; images used by several evaluations are encoded once."""

    def __init__(
        self, folder: RunFolder, plan: Plan, *, data: RunData, features: Path | None = None
    ) -> None:
        """Measure nothing yet.

        Args:
            features: folder for features of the encoder, so that an interrupted evaluation need not
                encode them again; temporary files by default.
        """
        self._folder = folder
        self._plan = plan
        self._data = data
        self._trained = _Benches(plan, features=None if features is None else features / "trained")
        # The same encoder with fresh weights, if training starts from published ones.
        fresh = plan.model_copy(update={"published": None})
        self._untrained = _Benches(
            fresh, features=None if features is None else features / "untrained"
        )

    def evaluate(
        self, evaluation: EvalPlan, *, step: int, graph: TrainGraph | None
    ) -> EvaluationResult:
        """Return the result after a step; parts that the folder lacks are measured and saved.

        Args:
            graph: the weights after that step; None for the encoder before training.

        Raises:
            EqspecError: the evaluation cannot use the data, or features are not finite.
        """
        return self._results(evaluation, step=step, graph=graph, result=self._kept)

    def measure(
        self, evaluation: EvalPlan, *, step: int, graph: TrainGraph | None
    ) -> EvaluationResult:
        """Return the same result, measured again and not saved."""
        return self._results(evaluation, step=step, graph=graph, result=_measured)

    def _results(
        self,
        evaluation: EvalPlan,
        *,
        step: int,
        graph: TrainGraph | None,
        result: Callable[[EvalPlan, str, Measurable], ResultSet],
    ) -> EvaluationResult:
        splits, name = self._data.of(evaluation), result_name(evaluation, step=step)
        controls = control_names(evaluation, step=step)
        benches: dict[str, Measurable] = {
            name: partial(
                self._trained.bench,
                splits,
                step=step,
                graph=graph,
                most=self._most(evaluation, step=step),
            ),
            **{each: partial(self._control, c, splits) for c, each in controls.items()},
        }
        stage = fine_tuning(evaluation)
        read = self._fine_tuned if stage is None or stage.control is None else self._retrained
        for each in trained_names(evaluation, step=step):
            benches[each] = partial(read, evaluation, each)
        found = {each: result(evaluation, each, bench) for each, bench in benches.items()}
        beside = {control: found[each] for control, each in controls.items()}
        return EvaluationResult(evaluation, step, found[name], beside)

    def _most(self, evaluation: EvalPlan, *, step: int) -> dict[Split, int | None]:
        """Return of how many images the plan's evaluations read pooled features after a step.

        A function of the plan alone, whichever results are missing, so that an audit encodes the
        same batches as the run. An evaluation that was added to the run is encoded by itself.
        """
        if evaluation.id not in {one.id for one in self._plan.evaluations}:
            return {}
        always = step in {0, self._plan.train.steps}
        due = [
            one
            for one in self._plan.evaluations
            if one.data == evaluation.data and (always or step in one.steps)
        ]
        shared = [stage for stage, _ in shared_features(due).values() if stage.form == "pooled"]
        if not shared:
            return {}
        return {
            "train": most_images(*(stage.train for stage in shared)),
            "held-out": most_images(*(stage.heldout for stage in shared)),
        }

    def _fine_tuned(self, evaluation: EvalPlan, name: str) -> FineTunedModel:
        """Return the model trained by an evaluation, see `eqspec.commands.running.fine_tuning`."""
        plan, graph = self._trained_by(evaluation, name)
        splits = self._data.of(evaluation)
        return FineTunedModel(plan, graph, train=splits.train, held_out=splits.held_out)

    def _retrained(self, evaluation: EvalPlan, name: str) -> Bench:
        """Return the encoder trained by an evaluation, frozen, to be read like the run's."""
        plan, graph = self._trained_by(evaluation, name)
        splits = self._data.of(evaluation)
        return Bench(subject(graph, plan), train=splits.train, held_out=splits.held_out)

    def _trained_by(self, evaluation: EvalPlan, name: str) -> tuple[Plan, TrainGraph]:
        folder = child_folder(self._folder, evaluation, name=name)
        plan = plan_in(folder)
        graph = weights_at(plan, RunFolder.open(folder), step=plan.train.steps)
        assert graph is not None, "a fine-tuning has steps"
        return plan, graph

    def _kept(self, evaluation: EvalPlan, name: str, bench: Measurable) -> ResultSet:
        """Return the result of that name; measure and save it if it is missing or damaged."""
        found = read_result(self._folder, name=name)
        if found is None:
            found = _measured(evaluation, name, bench)
            save_result(self._folder, name=name, results=found)
        return found

    def _control(self, control: str, splits: Splits) -> Bench:
        """Return a baseline to measure at step 0, next to the encoder before training."""
        if control == UNTRAINED:
            return self._untrained.bench(splits, step=0, graph=None)
        subject = CONTROLS[control](splits.held_out, size=self._plan.image)
        return Bench(subject, train=splits.train, held_out=splits.held_out)


class _Benches:
    """The model after one step on each dataset; those of the previous step are dropped."""

    def __init__(self, plan: Plan, *, features: Path | None) -> None:
        self._plan = plan
        self._folder = features
        self._features = FeatureFiles()
        self._step: int | None = None
        self._subject: Subject | None = None
        self._predictor: Predictor | None = None
        self._by_data: dict[int, Bench] = {}

    def bench(
        self,
        splits: Splits,
        *,
        step: int,
        graph: TrainGraph | None,
        most: Mapping[Split, int | None] = NO_LIMITS,
    ) -> Bench:
        if step != self._step or self._subject is None:
            self._by_data.clear()
            if graph is None:
                device = choose_device(self._plan.machine.device)
                graph = initial_graph(self._plan, device=device)
            self._step, self._subject = step, subject(graph, self._plan)
            self._predictor = predictor(graph, self._plan)
            self._features = FeatureFiles(self._folder, state=self._subject.state)
            self._features.forget_others()
        key = id(splits)
        if key not in self._by_data:
            self._by_data[key] = Bench(
                self._subject,
                train=splits.train,
                held_out=splits.held_out,
                files=self._features,
                most=most,
                predictor=self._predictor,
            )
        return self._by_data[key]


def _measured(evaluation: EvalPlan, _name: str, bench: Measurable) -> ResultSet:
    """Return a new result, with the fingerprint of the data that it was measured on."""
    ready = bench()
    found = evaluate(evaluation, ready)
    data = ready.held_out.fingerprint()
    marked = replace(found, facts={**found.facts, "data": data})
    return marked.measured_by(replace(found.protocol, data=data))


def subject(graph: TrainGraph, plan: Plan) -> Subject:
    """Return the frozen model of a plan for evaluations."""
    parts = frozen(graph)
    return Subject(
        encoder=parts.encoder,
        prefix=parts.prefix,
        size=plan.image,
        mean=plan.views.mean,
        std=plan.views.std,
        embedding=parts.embedding,
        split=plan.graph.split,
        device=next(graph.parameters()).device,
        layers=parts.layers,
        depth=parts.depth,
        state=parts.state,
    )
