"""`eqspec ablate` on the screen: its plan; or its runs one after another, and their table."""

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
from eqspec.commands.ablate.study import GridRun, Study, standing
from eqspec.commands.output_files import refuse_another_kind
from eqspec.commands.running.comparison import Done
from eqspec.commands.running.events import Stopped
from eqspec.commands.running.options import RunOptions
from eqspec.errors import EqspecError
from eqspec.report.tables.ablation import AblationTable
from eqspec.runs.artifacts import write_text


@dataclass(frozen=True, slots=True)
class Asked:
    """How a study is to be run, and what to suggest after it.

    Attributes:
        options: of its runs; `should_stop` is filled in here.
        stop_on_failure: go on to no other run when one has failed.
        csv: file of every number, kept up to date.
        as_json: print the table as JSON.
        again: the command that goes on with the study.
        seeded: the same without its seeds.
    """

    options: RunOptions
    stop_on_failure: bool
    csv: Path | None
    as_json: bool
    again: tuple[str, ...]
    seeded: tuple[str, ...]


def show_plan(study: Study, *, again: Sequence[str], as_json: bool, screen: Screen) -> int:
    """Shows which runs there are, and how far each is; returns the exit status."""
    standings = [standing(run) for run in study.runs]
    if as_json:
        screen.show_json(page.as_data(study, standings))
    else:
        screen.show(page.planned(study, standings, width=screen.wrap))
    screen.suggest(*again)
    return 0


def run_study(study: Study, asked: Asked, *, screen: Screen) -> int:
    """Makes every run that is not done, and shows the table; returns the exit status.

    A run that fails does not keep the others from being made, unless it is the command itself that
    is wrong: that would be so in every run.
    """
    making = _Making(study, asked, screen=screen)
    signals = StopSignals()
    try:
        with signals.caught(), watcher(screen, stopping=lambda: signals.wanted) as watching:
            making.make_all(watching, signals)
    except KeyboardInterrupt:
        screen.say("Stopped at once; what was saved is kept.")
    if signals.wanted:
        screen.suggest(*asked.again)
        return signals.exit_status
    making.show()
    return 1 if making.failed else 0


class _Making:
    """A study while its runs are made.

    Attributes:
        failed: (run, why) of those that did not come to their end.
    """

    def __init__(self, study: Study, asked: Asked, *, screen: Screen) -> None:
        self.failed: list[tuple[str, str]] = []
        self._study = study
        self._asked = asked
        self._screen = screen
        held = ((run.folder, finished(run)) for run in study.runs)
        self._done: dict[Path, Done] = {folder: done for folder, done in held if done is not None}
        if asked.csv is not None:
            refuse_another_kind(asked.csv, kind="table of a study", is_one=page.is_csv)
        # At once, so that a place that cannot be written is known before hours of training.
        self._write()

    def make_all(self, watching: Watcher, signals: StopSignals) -> None:
        """Every run that is not done, in order, until a stop is wanted."""
        todo = [run for run in self._study.runs if run.folder not in self._done]
        self._screen.say(page.left([standing(run) for run in self._study.runs]))
        for at, run in enumerate(todo, start=1):
            label = f"{at}/{len(todo)} {run.name}"
            try:
                self._make(run, label=label, watching=watching, signals=signals)
            except EqspecError as error:
                if error.exit_status == 2 or self._asked.stop_on_failure:
                    raise
                self.failed.append((run.name, error.message))
                self._screen.say(f"{label}: failed: {error.message}")
            if signals.wanted:
                return

    def show(self) -> None:
        """The table, and what has failed."""
        screen, asked, found = self._screen, self._asked, self._found()
        if asked.as_json:
            standings = [standing(run) for run in self._study.runs]
            data = page.as_data(self._study, standings, found=found, failed=self.failed)
            screen.show_json(data)
        else:
            screen.show(page.table(found, width=screen.width))
        if asked.csv is not None:
            screen.say(f"Every number is in {asked.csv}.")
        if self.failed:
            screen.say(page.failures(self.failed))
        screen.suggest(*self._next(found))

    def _make(self, run: GridRun, *, label: str, watching: Watcher, signals: StopSignals) -> None:
        """One run to its end, or to where it is stopped."""
        options = replace(self._asked.options, should_stop=lambda: signals.wanted)
        made = member(run, self._study, options, name=label)
        if isinstance(run_member(made, watching=watching, signals=signals), Stopped):
            return
        done = finished(run)
        assert done is not None, "its end seals a run"
        self._done[run.folder] = done
        self._write()

    def _found(self) -> AblationTable:
        return ablation(self._study, self._done)

    def _write(self) -> None:
        if self._asked.csv is not None:
            write_text(self._asked.csv, text=page.as_csv(self._found(), self._study))

    def _next(self, found: AblationTable) -> tuple[str, ...]:
        """The failed runs again; or more seeds, where there is one; or a look at what differs."""
        if self.failed:
            retry = () if self._asked.options.retry else ("--retry",)
            return (*self._asked.again, *retry)
        if all(row.seeds == 1 for row in found.points):
            return (*self._asked.seeded, "--seeds", "3")
        first, *others = (str(run.folder) for run in self._study.runs)
        return ("eqspec", "diff", first, others[0]) if others else ("eqspec", "status")
