"""A sealed run that is gone on with: what differs from its seal is made anew, or stops it.

A new seal must hide nothing. So before anything is made in a sealed folder, all of it is compared
with its seal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from eqspec.commands.running.evaluation import damaged_results
from eqspec.errors import FolderMismatch
from eqspec.report.strip import STRIP
from eqspec.runs.manifest import Problem, Trouble
from eqspec.runs.results import SUFFIXES, added_results

if TYPE_CHECKING:
    from eqspec.commands.running.due import DueEvaluation
    from eqspec.runs.folder import RunFolder


def reopen(folder: RunFolder, due: Iterable[DueEvaluation]) -> Mapping[str, str]:
    """Make a folder ready for its run to continue, sealed or not.

    Args:
        due: evaluations whose results are measured anew where they are damaged.

    Returns:
        Name of each damaged result → what is wrong with it.

    Raises:
        FolderMismatch: something else differs from the seal.
    """
    anew: dict[str, str] = {}
    for evaluation, step in due:
        anew |= damaged_results(folder, evaluation=evaluation, step=step)
    if folder.record() is None:
        return anew
    require_as_sealed(folder, anew=anew)
    for name in anew:  # without the seal, an edited one may look whole
        (folder.evaluations / f"{name}.json").unlink(missing_ok=True)
    folder.unseal()
    return anew


def require_as_sealed(folder: RunFolder, *, anew: Collection[str]) -> None:
    """Refuses a sealed folder that differs from its seal in what is not made anew.

    Files may have been added; a result among them has to be one of this run.

    Args:
        anew: names of the results that are.

    Raises:
        FolderMismatch: with every difference; a new seal would hide it.
    """
    added_results(folder)
    files = {f"{folder.evaluations.name}/{name}{suffix}" for name in anew for suffix in SUFFIXES}
    problems = [p for p in folder.verify() if not _is_made_anew(p, files)]
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise FolderMismatch(
            f"`{folder.path}` is not as it was sealed:\n{listed}",
            help="put the files back, or make the run anew beside it: `eqspec run SPEC --again`",
        )


def _is_made_anew(problem: Problem, results: Collection[str]) -> bool:
    """Whether going on with a run makes a file anew, or passes it over with a word."""
    if problem.trouble is Trouble.EXTRA or problem.file in {STRIP, *results}:
        return True
    # A damaged checkpoint is known by its JSON file, and training goes on from the one before.
    is_list = problem.file.endswith(".json") and problem.trouble is Trouble.CHANGED
    return problem.file.startswith("checkpoints/") and not is_list
