"""Evaluations of a plan's model: opens the data, judges, keeps the result in the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from eqspec.build.frozen_model import frozen
from eqspec.build.program import choose_device, initial_graph
from eqspec.commands.planning.data_places import DataPlaces, open_dataset
from eqspec.compile.planner import UNTRAINED
from eqspec.compile.types.plan import DataPlan, EvalPlan, Plan
from eqspec.evals.controls import CONTROLS
from eqspec.evals.evaluate import Bench, check_data, evaluate
from eqspec.evals.features import Subject
from eqspec.nn.readouts.scores import Result
from eqspec.ops.tolerant import Tolerant
from eqspec.runs.folder import RunFolder
from eqspec.runs.results import DamagedResult, Stored, load_result, save_result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from eqspec.build.graph.training_graph import TrainGraph


class Benches:
    """The benches of one moment of one run: what several evaluations read is encoded once."""

    def __init__(self) -> None:
        self._moment: tuple[Path, int] | None = None
        self._subject: Subject | None = None
        self._made: dict[int, Bench] = {}

    def bench(
        self, graph: TrainGraph | None, *, plan: Plan, splits: Splits, moment: tuple[Path, int]
    ) -> Bench:
        """The model of a moment on some data.

        Args:
            graph: trained weights; None for the encoder as it was before training.
            plan: of the run.
            splits: the data.
            moment: (folder of the run, step); another one forgets what was encoded.
        """
        if moment != self._moment or self._subject is None:
            self._made.clear()
            if graph is None:
                graph = initial_graph(plan, device=choose_device(plan.machine.device))
            self._moment, self._subject = moment, subject(graph, plan)
        key = id(splits)
        if key not in self._made:
            self._made[key] = Bench(self._subject, train=splits.train, held_out=splits.held_out)
        return self._made[key]


@dataclass(frozen=True, slots=True)
class Splits:
    """The two splits of a plan's training data, and those that its evaluations judge on.

    Attributes:
        train: images that are trained on.
        held_out: those that are not.
        judged: by the id of an evaluation that names other data.
        benches: the model at hand on the data at hand.
        untrained: the same encoder with fresh weights, where it has published ones.
    """

    train: Tolerant
    held_out: Tolerant
    judged: Mapping[str, Splits] = field(default_factory=dict[str, "Splits"])
    benches: Benches = field(default_factory=Benches, repr=False)
    untrained: Benches = field(default_factory=Benches, repr=False)

    def of(self, evaluation: EvalPlan) -> Splits:
        """What an evaluation judges on."""
        return self.judged.get(evaluation.id, self)


@dataclass(frozen=True, slots=True)
class Judged:
    """The result of one evaluation after some step; step 0 is before any training.

    Then the encoder is untrained, or has the published weights that it starts from.

    Attributes:
        controls: of step 0, what stands beside it, by the control's name.
    """

    evaluation: EvalPlan
    step: int
    result: Result
    controls: Mapping[str, Result] = field(default_factory=dict[str, Result])

    @classmethod
    def read(cls, folder: RunFolder, *, evaluation: EvalPlan, step: int) -> Judged | None:
        """The result that a folder holds with all that belongs to it, or None.

        What is damaged counts as not there, see `damaged_results`.
        """
        result = _read(folder, name=result_name(evaluation, step=step))
        controls = {c: _read(folder, name=n) for c, n in _controls(evaluation, step=step).items()}
        found = {name: control for name, control in controls.items() if control is not None}
        if result is None or len(found) < len(controls):
            return None
        return cls(evaluation, step, result, found)


def open_splits(
    plan: Plan, *, data: DataPlaces, evaluations: Sequence[EvalPlan] | None = None
) -> Splits:
    """The plan's data, and that of evaluations (its own, unless others are given).

    Raises:
        EqspecError: when something is not there, cannot be read, or cannot be judged on.
    """
    asked = plan.evaluations if evaluations is None else evaluations
    own = _opened(plan.data, plan=plan, data=data)
    opened: dict[str, Splits] = {}
    judged: dict[str, Splits] = {}
    for evaluation in asked:
        if evaluation.data != plan.data:
            key = evaluation.data.model_dump_json()
            if key not in opened:
                opened[key] = _opened(evaluation.data, plan=plan, data=data)
            judged[evaluation.id] = opened[key]
    splits = replace(own, judged=judged)
    for evaluation in asked:
        on = splits.of(evaluation)
        check_data(evaluation, train=on.train, held_out=on.held_out)
    return splits


def _opened(dataset: DataPlan, *, plan: Plan, data: DataPlaces) -> Splits:
    def split(name: str) -> Tolerant:
        opened = open_dataset(dataset, split=name, places=data, own=plan.data.name)
        opened.list_files()
        return opened

    return Splits(train=split("train"), held_out=split("heldout"))


def result_name(evaluation: EvalPlan, *, step: int) -> str:
    """File name, without suffix, of an evaluation's result after a step."""
    return f"{evaluation.id}.step-{step}"


def result_names(evaluation: EvalPlan, *, step: int) -> tuple[str, ...]:
    """The same of its result and of those of its controls."""
    return (result_name(evaluation, step=step), *_controls(evaluation, step=step).values())


def judge_plan(
    folder: RunFolder,
    graph: TrainGraph | None,
    *,
    plan: Plan,
    evaluation: EvalPlan,
    splits: Splits,
    step: int,
) -> Judged:
    """The evaluation of a graph after a step, read from the folder when it is there already.

    Args:
        graph: trained weights; None for the encoder as it was before training.
    """
    found = Judged.read(folder, evaluation=evaluation, step=step)
    if found is not None:
        return found
    on, name = splits.of(evaluation), result_name(evaluation, step=step)
    result = _read(folder, name=name)
    if result is None:
        moment = (folder.path, step)
        bench = splits.benches.bench(graph, plan=plan, splits=on, moment=moment)
        result = _judged(folder, bench, evaluation=evaluation, name=name)
    controls: dict[str, Result] = {}
    for control, name in _controls(evaluation, step=step).items():
        seen = _read(folder, name=name)
        if seen is None:
            bench = _control(control, plan=plan, splits=splits, on=on, folder=folder)
            seen = _judged(folder, bench, evaluation=evaluation, name=name)
        controls[control] = seen
    return Judged(evaluation, step, result, controls)


def evaluate_plan(
    folder: RunFolder,
    graph: TrainGraph | None,
    *,
    plan: Plan,
    evaluation: EvalPlan,
    splits: Splits,
    step: int,
) -> Judged:
    """The same made in memory, whatever the folder holds; nothing is kept."""
    on = splits.of(evaluation)
    moment = (folder.path, step)
    bench = splits.benches.bench(graph, plan=plan, splits=on, moment=moment)
    controls = {
        control: _control(control, plan=plan, splits=splits, on=on, folder=folder)
        for control in _controls(evaluation, step=step)
    }
    found = {control: _measured(made, evaluation=evaluation) for control, made in controls.items()}
    return Judged(evaluation, step, _measured(bench, evaluation=evaluation), found)


def _control(control: str, *, plan: Plan, splits: Splits, on: Splits, folder: RunFolder) -> Bench:
    """What stands beside the encoder as it was before training."""
    if control != UNTRAINED:
        without = CONTROLS[control](on.held_out, size=plan.image)
        return Bench(without, train=on.train, held_out=on.held_out)
    fresh = plan.model_copy(update={"published": None})
    return splits.untrained.bench(None, plan=fresh, splits=on, moment=(folder.path, 0))


def _judged(folder: RunFolder, bench: Bench, *, evaluation: EvalPlan, name: str) -> Result:
    """A new result, kept under a name."""
    result = _measured(bench, evaluation=evaluation)
    stored = Stored(summary=result.summary(), arrays=result.arrays)
    save_result(folder, name=name, stored=stored)
    return result


def _measured(bench: Bench, *, evaluation: EvalPlan) -> Result:
    """A new result with the fingerprint of the data it was measured on."""
    found = evaluate(evaluation, bench)
    return replace(found, facts={**found.facts, "data": bench.held_out.fingerprint()})


def damaged_results(folder: RunFolder, *, evaluation: EvalPlan, step: int) -> dict[str, str]:
    """Name of each result that is not the one that was written → what is wrong with its file."""
    found: dict[str, str] = {}
    for name in result_names(evaluation, step=step):
        try:
            load_result(folder, name=name)
        except DamagedResult as error:
            found[name] = f"`{error.path.name}` {error.trouble}"
    return found


def _controls(evaluation: EvalPlan, *, step: int) -> dict[str, str]:
    """Name of a control → file name of its result; only before training there are any."""
    return {c: f"{evaluation.id}.{c}" for c in (evaluation.controls if step == 0 else ())}


def stored_result(folder: RunFolder, *, name: str) -> Result | None:
    """A result of a folder; None where there is none.

    Raises:
        DamagedResult: when it is not the one that was written.
    """
    stored = load_result(folder, name=name)
    return None if stored is None else Result.from_parts(stored.summary, stored.arrays)


def _read(folder: RunFolder, *, name: str) -> Result | None:
    try:
        return stored_result(folder, name=name)
    except DamagedResult:
        return None


def subject(graph: TrainGraph, plan: Plan) -> Subject:
    """The frozen model of a plan as evaluations see it."""
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
    )
