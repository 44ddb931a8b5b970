"""Results of a run's evaluations: their names in its folder, and reading them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eqspec.compile.evaluation_stages import trained_states
from eqspec.compile.types.plan import EvalPlan
from eqspec.nn.readouts.measurement import ResultSet
from eqspec.runs.artifacts import remove_folder
from eqspec.runs.folder import RunFolder
from eqspec.runs.results import DamagedResult, load_result
from eqspec.runs.training_folders import training_problem


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """The result of one evaluation after some step; step 0 is before any training.

    Then the encoder is untrained, or has the published weights that it starts from.

    Attributes:
        controls: of step 0: results of baselines, by the control's name.
    """

    evaluation: EvalPlan
    step: int
    result: ResultSet
    controls: Mapping[str, ResultSet] = field(default_factory=dict[str, ResultSet])

    @classmethod
    def read(cls, folder: RunFolder, *, evaluation: EvalPlan, step: int) -> EvaluationResult | None:
        """Return the result in a folder with all its controls; None if any of it is missing.

        A damaged result counts as missing, see `damaged_results`.
        """
        result = read_result(folder, name=result_name(evaluation, step=step))
        names = control_names(evaluation, step=step)
        controls = {control: read_result(folder, name=name) for control, name in names.items()}
        found = {control: result for control, result in controls.items() if result is not None}
        if result is None or len(found) < len(controls):
            return None
        return cls(evaluation, step, result, found)


def result_name(evaluation: EvalPlan, *, step: int) -> str:
    """Return the file name, without suffix, of an evaluation's result after a step."""
    return f"{evaluation.id}.step-{step}"


def control_names(evaluation: EvalPlan, *, step: int) -> dict[str, str]:
    """Return control → file name of its result; there are controls at step 0 alone."""
    return {c: f"{evaluation.id}.{c}" for c in (evaluation.controls if step == 0 else ())}


def result_names(evaluation: EvalPlan, *, step: int) -> tuple[str, ...]:
    """Return the file names of an evaluation's result and of its controls."""
    return (result_name(evaluation, step=step), *control_names(evaluation, step=step).values())


def trained_names(evaluation: EvalPlan, *, step: int) -> tuple[str, ...]:
    """Return the names of a step's results that are of models trained by the evaluation."""
    controls = control_names(evaluation, step=step)
    return tuple(
        result_name(evaluation, step=step) if control is None else controls[control]
        for control in trained_states(evaluation, step=step)
    )


def child_folder(folder: RunFolder, evaluation: EvalPlan, *, name: str) -> Path:
    """Return the folder of the training behind a result, for an evaluation that trains.

    Args:
        name: of the result.
    """
    return folder.evaluations / evaluation.id / name.removeprefix(f"{evaluation.id}.")


def damaged_results(folder: RunFolder, *, evaluation: EvalPlan, step: int) -> dict[str, str]:
    """Return name of a damaged result → what is wrong with its file, or with its training's."""
    found: dict[str, str] = {}
    for name in result_names(evaluation, step=step):
        try:
            load_result(folder, name=name)
        except DamagedResult as error:
            found[name] = f"`{error.path.name}` {error.trouble}"
    return damaged_trainings(folder, evaluation=evaluation, step=step) | found


def damaged_trainings(folder: RunFolder, *, evaluation: EvalPlan, step: int) -> dict[str, str]:
    """Return name of a result whose training differs from the seal → what is wrong with a file."""
    named = {
        n: child_folder(folder, evaluation, name=n) for n in result_names(evaluation, step=step)
    }
    found = ((name, training_problem(folder, path)) for name, path in named.items())
    return {name: str(problem) for name, problem in found if problem is not None}


def forget_results(folder: RunFolder, names: Iterable[str]) -> None:
    """Remove damaged results and the trainings behind them, so that they are repeated."""
    for name in names:
        (folder.evaluations / f"{name}.json").unlink(missing_ok=True)
        remove_folder(folder.path / training_of(name))


def training_of(name: str) -> str:
    """Return the folder, inside the run's, of the training behind a result of that name."""
    id_, _, rest = name.rpartition(".")
    return f"evaluations/{id_}/{rest}/"


def read_result(folder: RunFolder, *, name: str) -> ResultSet | None:
    """Return a result of a folder; None if there is none, or if it is damaged."""
    try:
        return load_result(folder, name=name)
    except DamagedResult:
        return None
