"""`eqspec eval` on the screen: what is being judged, and what came out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from eqspec.cli.render.eval import as_data, evaluated
from eqspec.cli.screen import Screen
from eqspec.cli.signals import StopSignals
from eqspec.commands.eval import (
    EvalRequest,
    evaluate_run,
    evaluations_by_card,
    evaluations_of_spec,
    plan_in,
)
from eqspec.commands.planning.data_places import DataPlaces
from eqspec.commands.running.comparison import Done, compare
from eqspec.commands.running.evaluation import Judged
from eqspec.commands.running.events import Evaluated, Judging
from eqspec.commands.running.log_lines import told
from eqspec.compile.types.plan import EvalPlan, Plan


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be judged and how.

    Attributes:
        name: what the person called the run.
        uses: evaluation cards by name.
        spec: the spec whose evaluations are meant; at most one of the two says anything.
        sets: `path=value`.
        again: the command that goes on after a stop.
        then: the command to suggest.
    """

    folder: Path
    name: str
    uses: tuple[str, ...]
    spec: Path | None
    sets: tuple[str, ...]
    data: DataPlaces
    as_json: bool
    again: tuple[str, ...]
    then: tuple[str, ...]


def judge(asked: Asked, *, screen: Screen) -> int:
    """Judges a run; returns the exit status."""
    plan = plan_in(asked.folder)
    wanted = _wanted(asked, plan)
    if not wanted:
        screen.say(f"`{asked.name}` asks for no evaluation; `--use` names one.")
        screen.suggest("eqspec", "list", "evaluations")
        return 0
    signals = StopSignals()
    request = EvalRequest(
        plan, asked.folder, wanted, asked.data, should_stop=lambda: signals.wanted
    )
    judged: tuple[Judged, ...] = ()
    try:
        with signals.caught():
            judged = tuple(_judged(request, screen=screen, signals=signals))
    except KeyboardInterrupt:
        screen.say("Stopped at once; results that were complete are kept.")
    if signals.wanted:
        screen.suggest(*asked.again)
        return signals.exit_status
    done = (Done(plan.name, plan, asked.folder, judged),)
    if asked.as_json:
        screen.show_json(as_data(compare(done), done))
    else:
        screen.show(evaluated(compare(done), done, width=screen.width))
    screen.suggest(*asked.then)
    return 0


def _wanted(asked: Asked, plan: Plan) -> tuple[EvalPlan, ...]:
    if asked.spec is None:
        return evaluations_by_card(plan, asked.uses, overrides=asked.sets)
    return evaluations_of_spec(
        plan, asked.folder, asked.spec, overrides=asked.sets, data=asked.data
    )


def _judged(request: EvalRequest, *, screen: Screen, signals: StopSignals) -> Iterator[Judged]:
    with closing(evaluate_run(request)) as events:
        for event in events:
            signals.at_rest = isinstance(event, Judging)
            if isinstance(event, Judging):
                screen.say(f"{request.plan.name}: {next(told(event))}")
            elif isinstance(event, Evaluated):
                yield event.judged
