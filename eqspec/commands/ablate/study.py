"""A compiled grid: a run and its folder for every point and seed, and the progress of each run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eqspec.commands.ablate.grid import VARIANT, Grid, Point
from eqspec.commands.ablate.variants import with_variants
from eqspec.commands.planning.data_locations import NO_LOCATIONS, DataLocations, read_all_asked
from eqspec.commands.planning.plans import Planned, plan_spec
from eqspec.commands.planning.schedule import untrained_encoder
from eqspec.commands.planning.stages import Mark
from eqspec.commands.running.request import identity_of
from eqspec.compile.types.plan import Plan
from eqspec.errors import Diagnostic, EqspecError, Location, SpecError
from eqspec.runs import checkpoint
from eqspec.runs.folder import RunFolder, State, folder_path
from eqspec.runs.results import whole_steps
from eqspec.spec.diagnose import in_order
from eqspec.spec.override import override_name
from eqspec.spec.phrases import counted

_ALONE = "compare={}"
"""Override that removes the spec's variants: a grid varies the spec itself."""


@dataclass(frozen=True, slots=True)
class GridRun:
    """A run of a study.

    Attributes:
        points: points of the grid that share this run; several if their recipes are equal.
        untrained: whether to evaluate the untrained encoder too; one run per initial encoder.
    """

    plan: Plan
    points: tuple[Point, ...]
    folder: Path
    untrained: bool = False

    @property
    def name(self) -> str:
        """Short name within the study."""
        return f"{self.points[0]} s{self.plan.seed}"


@dataclass(frozen=True, slots=True)
class Study:
    """A compiled grid over a spec.

    Attributes:
        points: in the order of the grid.
        runs: in order of execution: the whole grid with one seed, then with the next.
        spec_text: the text of the spec.
        warnings: problems that do not stop the study.
    """

    points: tuple[Point, ...]
    runs: tuple[GridRun, ...]
    spec_text: str
    warnings: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Progress of a run.

    Attributes:
        mark: whether it is new, complete or partial.
        state: state of its folder.
        step: last saved step.
        steps: total number of steps.
        problem: reason why its folder cannot be used; None if it can.
    """

    mark: Mark
    state: State
    step: int
    steps: int
    problem: str | None = None

    @property
    def left(self) -> int:
        """Remaining steps."""
        return self.steps - self.step


def compile_grid(
    path: Path,
    grid: Grid,
    *,
    runs: Path,
    overrides: Sequence[str] = (),
    data: DataLocations = NO_LOCATIONS,
) -> Study:
    """Compile every point of a grid with every seed.

    Args:
        path: of the spec.
        runs: folder of all runs.
        overrides: `path=value`, as for `--set`; those of the grid follow them.
        data: locations of datasets.

    Raises:
        SpecError: with the problems of all points; each names the points that it concerns.
        UsageError: if `data` has the location of a dataset that no point reads.
    """
    points, found = with_variants(grid, path, overrides=overrides, data=data).points, _Diagnostics()
    plans: list[tuple[Point, Planned]] = []
    for point in points:
        try:
            # Another point may read what this one does not.
            one = _planned(path, point, overrides=overrides, data=replace(data, asked=()))
        except SpecError as error:
            found.add(error.diagnostics, point=point, after=len(overrides))
        else:
            found.add(one.warnings, point=point, after=len(overrides))
            plans.append((point, one))
    diagnostics = found.merged(points=len(points))
    if len(plans) < len(points):
        raise SpecError(diagnostics)
    read_all_asked(data, (one for _, p in plans for one in p.plan.datasets))
    runs_by_folder: dict[Path, GridRun] = {}
    for point, plan in _with_seeds(path, grid, plans, overrides=overrides, data=data):
        folder = folder_path(runs, identity=identity_of(plan))
        before = runs_by_folder[folder].points if folder in runs_by_folder else ()
        runs_by_folder[folder] = GridRun(plan, (*before, point), folder)
    return Study(points, _with_untrained(runs_by_folder.values()), plans[0][1].text, diagnostics)


def _with_untrained(runs: Iterable[GridRun]) -> tuple[GridRun, ...]:
    """Mark one run per kind of encoder and seed to be evaluated untrained.

    `eqspec run` evaluates it in the spec's own run, which comes last there.
    """
    found = list(runs)
    kinds = [untrained_encoder(run.plan) for run in found]
    for at, kind in enumerate(kinds):
        if kind in kinds[:at]:
            continue
        alike = [other for other, one in enumerate(kinds) if one == kind]
        chosen = next((other for other in alike if _evaluated(found[other], step=0)), at)
        found[chosen] = replace(found[chosen], untrained=True)
    return tuple(found)


def _with_seeds(
    path: Path,
    grid: Grid,
    plans: Sequence[tuple[Point, Planned]],
    *,
    overrides: Sequence[str],
    data: DataLocations,
) -> Iterator[tuple[Point, Plan]]:
    """Yield every point with one seed, then with the next."""
    locations = replace(data, asked=())
    for turn in range(grid.count):
        for point, own in plans:
            seed = grid.seeds[turn] if grid.seeds else own.plan.seed + turn
            if seed == own.plan.seed:
                yield point, own.plan
            else:
                given = (*overrides, f"seed={seed}")
                yield point, _planned(path, point, overrides=given, data=locations).plan


def run_progress(run: GridRun) -> RunProgress:
    """Read the progress of a run from its folder."""
    steps = run.plan.train.steps
    if not (run.folder / "plan.json").is_file():
        return RunProgress(Mark.RUN, State.NEW, 0, steps)
    folder = RunFolder(run.folder)
    try:
        state, saved = folder.state(), checkpoint.steps(folder.checkpoints)
        if state is State.FINISHED:
            whole = _evaluated(run, step=steps) and (not run.untrained or _evaluated(run, step=0))
            return RunProgress(Mark.CACHED if whole else Mark.CHANGED, state, steps, steps)
    except EqspecError as error:
        return RunProgress(Mark.CHANGED, State.FAILED, 0, steps, problem=error.message)
    mark = Mark.RUN if state is State.NEW else Mark.CHANGED
    return RunProgress(mark, state, max(saved, default=0), steps)


def _evaluated(run: GridRun, *, step: int) -> bool:
    """Whether all evaluations after a step are complete."""
    found = whole_steps(RunFolder(run.folder))
    return all(step in found.get(e.id, ()) for e in run.plan.evaluations)


def _planned(path: Path, point: Point, *, overrides: Sequence[str], data: DataLocations) -> Planned:
    own = (override for setting in point.settings for override in setting.overrides)
    # A variant has the same name here as in `eqspec run`, and so the same folder.
    named = (str(s.value) for s in point.settings if s.axis == VARIANT.name)
    variant = next((name for name in named if name != path.stem), None)
    name = None if variant is None else f"{path.stem}-{variant}"
    return plan_spec(path, overrides=(*overrides, _ALONE, *own), data=data, name=name)


class _Diagnostics:
    """The diagnostics of all points, each once, with the points that it concerns."""

    def __init__(self) -> None:
        self._points: dict[Diagnostic, list[Point]] = {}

    def add(self, diagnostics: Sequence[Diagnostic], *, point: Point, after: int) -> None:
        """Add the diagnostics of a point whose overrides follow `after` others."""
        names = dict(_names(point, after=after))
        for diagnostic in diagnostics:
            self._points.setdefault(_renamed(diagnostic, names), []).append(point)

    def merged(self, *, points: int) -> tuple[Diagnostic, ...]:
        """Return all diagnostics in order; one that concerns only some points names them."""
        return in_order(
            replace(one, notes=(*one.notes, _at(at))) if len(at) < points else one
            for one, at in self._points.items()
        )


def _at(points: Sequence[Point]) -> str:
    others = len(points) - 1
    more = f" and {counted(others, 'other point')}" if others else ""
    return f"at {points[0]}{more}"


def _names(point: Point, *, after: int) -> Iterator[tuple[str, str]]:
    """Yield the loader's name of each override of a point, and the argument that set it."""
    number = after + 1  # the variants' override
    for setting in point.settings:
        for _ in setting.overrides:
            number += 1
            yield override_name(number), setting.written.file


def _renamed(diagnostic: Diagnostic, names: Mapping[str, str]) -> Diagnostic:
    def there(where: Location) -> Location:
        return replace(where, file=names.get(where.file, where.file))

    return replace(
        diagnostic,
        location=None if diagnostic.location is None else there(diagnostic.location),
        also=tuple((there(where), label) for where, label in diagnostic.also),
    )
