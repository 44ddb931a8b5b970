"""`eqspec ablate` on the screen: the plan of a study, or its runs and their table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eqspec.cli.progress.display import Watcher, watcher
from eqspec.cli.progress.run import run_member
from eqspec.cli.render import ablate as page
from eqspec.cli.screen import Screen
from eqspec.cli.signals import StopSignals
from eqspec.commands.ablate.execute import ablation, finished, member
from eqspec.commands.ablate.study import GridRun, Study, run_progress
from eqspec.commands.output_files import refuse_another_kind
from eqspec.commands.running.comparison import Done
from eqspec.commands.running.events import Stopped
from eqspec.commands.running.options import RunOptions
from eqspec.errors import EqspecError
from eqspec.report.tables.ablation import AblationTable
from eqspec.runs.artifacts import write_text


@dataclass(frozen=True, slots=True)
class AblateCommand:
    """Options of `eqspec ablate`, and commands to suggest after it.

    Attributes:
        options: of its runs; `should_stop` is filled in here.
        stop_on_failure: start no other run when one has failed.
        csv: file with every number, updated after each run.
        as_json: print the table as JSON.
        resume: the command that continues the study.
        seeded: the same without its seeds.
    """

    options: RunOptions
    stop_on_failure: bool
    csv: Path | None
    as_json: bool
    resume: tuple[str, ...]
    seeded: tuple[str, ...]


def show_plan(study: Study, *, resume: Sequence[str], as_json: bool, screen: Screen) -> int:
    """Show the runs of a study and the state of each; return the exit status."""
    progress_of_runs = [run_progress(run) for run in study.runs]
    if as_json:
        screen.show_json(page.as_data(study, progress_of_runs))
    else:
        screen.show(page.planned(study, progress_of_runs, width=screen.wrap))
    screen.suggest(*resume)
    return 0


def run_study(study: Study, command: AblateCommand, *, screen: Screen) -> int:
    """Carry out every run that is not done, and show the table; return the exit status.

    When a run fails, the others continue, unless the command itself is wrong and all would fail.
    """
    progress = _Progress(study, command, screen=screen)
    signals = StopSignals()
    try:
        with signals.caught(), watcher(screen, stopping=lambda: signals.wanted) as watching:
            progress.run_all(watching, signals)
    except KeyboardInterrupt:
        screen.say("Stopped at once; what was saved is kept.")
    if signals.wanted:
        screen.suggest(*command.resume)
        return signals.exit_status
    progress.show()
    return 1 if progress.failed else 0


class _Progress:
    """A study in progress.

    Attributes:
        failed: (run, reason) of those that failed.
    """

    def __init__(self, study: Study, command: AblateCommand, *, screen: Screen) -> None:
        self.failed: list[tuple[str, str]] = []
        self._study = study
        self._command = command
        self._screen = screen
        stored = ((run.folder, finished(run)) for run in study.runs)
        self._done: dict[Path, Done] = {folder: done for folder, done in stored if done is not None}
        if command.csv is not None:
            refuse_another_kind(command.csv, kind="table of a study", is_one=page.is_csv)
        # Now, so that a file that cannot be written is reported before hours of training.
        self._write()

    def run_all(self, watching: Watcher, signals: StopSignals) -> None:
        """Carry out every run that is not done, in order, until a stop is requested."""
        todo = [run for run in self._study.runs if run.folder not in self._done]
        self._screen.say(page.left([run_progress(run) for run in self._study.runs]))
        for at, run in enumerate(todo, start=1):
            label = f"{at}/{len(todo)} {run.name}"
            try:
                self._run(run, label=label, watching=watching, signals=signals)
            except EqspecError as error:
                if error.exit_status == 2 or self._command.stop_on_failure:
                    raise
                self.failed.append((run.name, error.message))
                self._screen.say(f"{label}: failed: {error.message}")
            if signals.wanted:
                return

    def show(self) -> None:
        """Show the table, and the runs that failed."""
        screen, command, found = self._screen, self._command, self._found()
        if command.as_json:
            progress_of_runs = [run_progress(run) for run in self._study.runs]
            data = page.as_data(self._study, progress_of_runs, found=found, failed=self.failed)
            screen.show_json(data)
        else:
            screen.show(page.table(found, width=screen.width))
        if command.csv is not None:
            screen.say(f"Every number is in {command.csv}.")
        if self.failed:
            screen.say(page.failures(self.failed))
        screen.suggest(*self._next(found))

    def _run(self, run: GridRun, *, label: str, watching: Watcher, signals: StopSignals) -> None:
        """Carry out one run to its end or to a stop."""
        options = replace(self._command.options, should_stop=lambda: signals.wanted)
        chosen = member(run, self._study, options, name=label)
        if isinstance(run_member(chosen, watching=watching, signals=signals), Stopped):
            return
        done = finished(run)
        assert done is not None, "its end seals a run"
        self._done[run.folder] = done
        self._write()

    def _found(self) -> AblationTable:
        return ablation(self._study, self._done)

    def _write(self) -> None:
        if self._command.csv is not None:
            write_text(self._command.csv, text=page.as_csv(self._found(), self._study))

    def _next(self, found: AblationTable) -> tuple[str, ...]:
        """Return the command to suggest: retry failed runs, add seeds, or compare two runs."""
        if self.failed and self._command.options.retry:
            name, _ = self.failed[0]
            folder = next(run.folder for run in self._study.runs if run.name == name)
            return ("eqspec", "show", str(folder))
        if self.failed:
            return (*self._command.resume, "--retry")
        if all(row.seeds == 1 for row in found.points):
            return (*self._command.seeded, "--seeds", "3")
        first, *others = (str(run.folder) for run in self._study.runs)
        return ("eqspec", "diff", first, others[0]) if others else ("eqspec", "status")
