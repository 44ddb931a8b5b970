"""The runs of a study and the table of their results.

The table also contains the untrained encoders and the controls without an encoder, as baselines for
the points. A study has no folder of its own: its runs are ordinary runs, and the table is computed
from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from eqspec.commands.ablate.cost import COST, SUMMARY, costs
from eqspec.commands.ablate.grid import Point
from eqspec.commands.ablate.study import GridRun, Study, run_progress
from eqspec.commands.planning.schedule import untrained_encoder
from eqspec.commands.planning.stages import Mark
from eqspec.commands.running.comparison import Done, is_last, untrained_result
from eqspec.commands.running.due import final_evaluations
from eqspec.commands.running.evaluation import EvaluationResult
from eqspec.commands.running.options import RunOptions
from eqspec.commands.running.request import RunRequest
from eqspec.commands.running.series import Member
from eqspec.compile.planner import UNTRAINED
from eqspec.compile.types.plan import EvalPlan
from eqspec.evals.evaluate import summary
from eqspec.nn.readouts.measurement import ResultSet
from eqspec.report.tables.ablation import AblationTable, PointProgress
from eqspec.runs.folder import RunFolder
from eqspec.runs.tables import Entry, Kind, Source, Table


def member(run: GridRun, study: Study, options: RunOptions, *, name: str) -> Member:
    """Return a run of a study as a member of a series.

    Args:
        name: shown while it runs.
    """
    request = RunRequest(
        run.plan,
        options,
        spec_text=study.spec_text,
        folder=run.folder,
        untrained=run.untrained,
    )
    return Member(name=name, request=request)


def finished(run: GridRun) -> Done | None:
    """Read a run from its folder; None unless it is complete."""
    if run_progress(run).mark is not Mark.CACHED:
        return None
    folder = RunFolder(run.folder)
    final = final_evaluations(run.plan, untrained=run.untrained)
    found = [EvaluationResult.read(folder, evaluation=e, step=step) for e, step in final]
    evaluated = tuple(one for one in found if one is not None)
    if len(evaluated) < len(found):  # one is damaged
        return None
    return Done(name=run.name, plan=run.plan, folder=run.folder, results=evaluated)


def ablation(study: Study, done: Mapping[Path, Done]) -> AblationTable:
    """Return the table of a study.

    Args:
        done: the complete runs, by folder.
    """
    runs = [run for run in study.runs if run.folder in done]
    entries = (
        *_baselines(runs, done),
        *(e for run in runs for point in run.points for e in _trained(run, done, point=point)),
        *costs(runs, done=done),
    )
    evaluations = {e.id: e for run in runs for e in run.plan.evaluations}.values()
    summaries = {name: summary(e) for e in evaluations for name in (e.id, e.name)}
    summaries[COST] = SUMMARY
    points = tuple(
        PointProgress(
            name=str(point),
            settings={one.axis: one.shown for one in point.settings},
            done=sum(point in run.points for run in runs),
            seeds=sum(point in run.points for run in study.runs),
        )
        for point in study.points
    )
    return AblationTable(points, entries, Table.of(entries), summaries)


def _baselines(runs: Sequence[GridRun], done: Mapping[Path, Done]) -> Iterator[Entry]:
    """Yield the untrained encoders, one per seed and kind of encoder, then the controls."""
    evaluated = [(run, j) for run in _first(runs) for j in done[run.folder].results if j.step == 0]
    kinds = list(dict.fromkeys(_kind(run) for run, _ in evaluated))
    first = {_kind(run): run.points[0] for run, _ in reversed(evaluated)}
    for run, one in evaluated:
        several = len(kinds) > 1
        name = f"{UNTRAINED}, {first[_kind(run)]}" if several else UNTRAINED
        fresh = untrained_result(one, run.plan)
        if fresh is not None:
            yield from _entries(run, one.evaluation, fresh, row=name, kind=Kind.BASELINE)
    for run, one in evaluated:
        for name, results in one.controls.items():
            if name != UNTRAINED:
                yield from _entries(run, one.evaluation, results, row=name, kind=Kind.BASELINE)


def _first(runs: Sequence[GridRun]) -> Iterator[GridRun]:
    """Yield the first run of each kind of encoder with published weights, and all other runs.

    Every run with published weights has an untrained encoder as a control; of the others, only the
    one that is marked `untrained` has.
    """
    seen: set[str] = set()
    for run in runs:
        kind = repr(untrained_encoder(run.plan))
        if run.plan.published is None or kind not in seen:
            yield run
        seen.add(kind)


def _kind(run: GridRun) -> str:
    """Return a key for the encoder that a run starts with, ignoring its seed."""
    _, *encoder = untrained_encoder(run.plan)
    return repr(encoder)


def _trained(run: GridRun, done: Mapping[Path, Done], *, point: Point) -> Iterator[Entry]:
    for evaluated in done[run.folder].results:
        if is_last(evaluated, run.plan):
            row = str(point)
            yield from _entries(run, evaluated.evaluation, evaluated.result, row=row, kind=Kind.RUN)


def _entries(
    run: GridRun, evaluation: EvalPlan, results: ResultSet, *, row: str, kind: Kind
) -> Iterator[Entry]:
    """Yield the summary metrics of one result."""
    source = Source(recipe=run.plan.recipe, seed=run.plan.seed, folder=run.folder)
    for measurement in summary(evaluation).select(results.measurements):
        yield Entry(row, kind, measurement, source=source)
