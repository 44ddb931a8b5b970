"""Continuation of a sealed run: damaged results are measured again, other differences refused.

A new seal must not hide a change. So a sealed folder is compared with its seal before anything is
added to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from eqspec.commands.running.evaluation import (
    damaged_results,
    damaged_trainings,
    forget_results,
    training_of,
)
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
        due: evaluations whose results are measured again if they are damaged.

    Returns:
        Name of each damaged result → what is wrong with it.

    Raises:
        FolderMismatch: something else differs from the seal.
    """
    damaged: dict[str, str] = {}
    trainings: dict[str, str] = {}
    for evaluation, step in due:
        damaged |= damaged_results(folder, evaluation=evaluation, step=step)
        trainings |= damaged_trainings(folder, evaluation=evaluation, step=step)
    if folder.record() is None:
        forget_results(folder, trainings)  # whose own files may be whole
        return damaged
    require_as_sealed(folder, replaced=damaged)
    forget_results(folder, damaged)  # without the seal, an edited one may appear whole
    folder.unseal()
    return damaged


def require_as_sealed(folder: RunFolder, *, replaced: Collection[str]) -> None:
    """Refuse a sealed folder that differs from its seal in files that are not replaced.

    Files may have been added; a result among them has to belong to this run.

    Args:
        replaced: names of the results that are measured again.

    Raises:
        FolderMismatch: with every difference.
    """
    added_results(folder)
    files = {
        f"{folder.evaluations.name}/{name}{suffix}" for name in replaced for suffix in SUFFIXES
    }
    trainings = tuple(training_of(name) for name in replaced)
    problems = [
        problem
        for problem in folder.verify()
        if not _is_replaced(problem, files) and not problem.file.startswith(trainings)
    ]
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise FolderMismatch(
            f"`{folder.path}` is not as it was sealed:\n{listed}",
            help="restore the files, or repeat the run in a new folder: `eqspec run SPEC --again`",
        )


def _is_replaced(problem: Problem, results: Collection[str]) -> bool:
    """Return whether a continued run writes a file again, or ignores it with a warning."""
    if problem.trouble is Trouble.EXTRA or problem.file in {STRIP, *results}:
        return True
    # The JSON file tells which checkpoint is damaged; training continues from the one before.
    is_list = problem.file.endswith(".json") and problem.trouble is Trouble.CHANGED
    return problem.file.startswith("checkpoints/") and not is_list
