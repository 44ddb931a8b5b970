"""`eqspec eval` on the screen: progress, then a table of results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from eqspec.cli.given_folders import remember_folders
from eqspec.cli.progress.display import fine_tuning_line
from eqspec.cli.progress.pace import FineTuningLines
from eqspec.cli.render.eval import as_data, evaluated
from eqspec.cli.screen import Screen
from eqspec.cli.signals import StopSignals
from eqspec.commands.eval import (
    EvalRequest,
    evaluate_run,
)
from eqspec.commands.planning.data_locations import DataLocations
from eqspec.commands.planning.run_plan import plan_in
from eqspec.commands.running.chosen_evaluations import (
    evaluations_by_card,
    evaluations_of_spec,
    planned_evaluations,
)
from eqspec.commands.running.comparison import Done, compare
from eqspec.commands.running.evaluation import EvaluationResult
from eqspec.commands.running.events import Evaluated, Evaluating, FineTuning
from eqspec.commands.running.log_lines import log_lines
from eqspec.compile.types.plan import EvalPlan, Plan
from eqspec.engine.events import Stepped
from eqspec.runs.folder import RunFolder
from eqspec.runs.seal import is_lost


@dataclass(frozen=True, slots=True)
class EvalCommand:
    """Arguments of `eqspec eval`, and commands to suggest after it.

    Attributes:
        folder: of the run.
        name: of the run, as it was given.
        uses: names of evaluation cards.
        spec: a spec whose evaluations are wanted; not both this and `uses`.
        sets: overrides, `path=value`.
        data: locations of datasets on this machine.
        as_json: print JSON.
        resume: the command that continues after a stop.
        then: the command to suggest when all is done.
    """

    folder: Path
    name: str
    uses: tuple[str, ...]
    spec: Path | None
    sets: tuple[str, ...]
    data: DataLocations
    as_json: bool
    resume: tuple[str, ...]
    then: tuple[str, ...]


def evaluate(command: EvalCommand, *, screen: Screen) -> int:
    """Evaluate a run; return the exit status."""
    plan = plan_in(command.folder)
    wanted = _wanted(command, plan)
    if not wanted:
        screen.say(f"`{command.name}` has no evaluation in its spec; `--use` names one.")
        screen.suggest("eqspec", "list", "evaluations")
        return 0
    signals = StopSignals()
    request = EvalRequest(
        plan, command.folder, wanted, command.data, should_stop=lambda: signals.wanted
    )
    results: tuple[EvaluationResult, ...] = ()
    try:
        with signals.caught():
            results = tuple(_results(request, screen=screen, signals=signals))
    except KeyboardInterrupt:
        screen.say("Stopped at once; results that were complete are kept.")
    remember_folders(command.folder, data=command.data)
    if signals.wanted:
        screen.suggest(*command.resume)
        return signals.exit_status
    if is_lost(command.folder):
        seals = f"`eqspec run {command.folder}` seals it"
        screen.say(f"`record.json` is missing, so the folder was not sealed: {seals}.")
    done = (Done(plan.name, plan, command.folder, results),)
    if command.as_json:
        screen.show_json(as_data(compare(done), done))
    else:
        screen.show(evaluated(compare(done), done, width=screen.width))
    screen.suggest(*command.then)
    return 0


def _wanted(command: EvalCommand, plan: Plan) -> tuple[EvalPlan, ...]:
    if command.spec is None and not command.uses and not command.sets:
        return planned_evaluations(plan, RunFolder.open(command.folder))
    if command.spec is None:
        return evaluations_by_card(
            plan,
            command.uses,
            resolved_spec=command.folder / "resolved.yaml",
            overrides=command.sets,
            data=command.data,
        )
    return evaluations_of_spec(
        plan, command.folder, command.spec, overrides=command.sets, data=command.data
    )


def _results(
    request: EvalRequest, *, screen: Screen, signals: StopSignals
) -> Iterator[EvaluationResult]:
    steps = FineTuningLines()
    with closing(evaluate_run(request)) as events:
        for event in events:
            signals.at_rest = isinstance(event, Evaluating)
            if isinstance(event, Evaluating):
                screen.say(f"{request.plan.name}: {next(log_lines(event))}")
            elif isinstance(event, FineTuning):
                stepped = event.event if isinstance(event.event, Stepped) else None
                line = steps.if_due(event, stepped) if stepped else fine_tuning_line(event)
                if line is not None:
                    screen.say(f"{request.plan.name}: {line}")
            elif isinstance(event, Evaluated):
                yield event.result
