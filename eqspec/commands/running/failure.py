"""Runs that fail: recorded in the log and, when training diverged, in a seal."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.engine.finite_check import NotFinite
from eqspec.errors import EqspecError
from eqspec.runs import checkpoint
from eqspec.runs.log import FAILED
from eqspec.runs.record import Outcome, Status
from eqspec.runs.results import added_results

if TYPE_CHECKING:
    from eqspec.runs.folder import RunFolder
    from eqspec.runs.log import Log


class RunFailed(EqspecError):
    """A run that diverged; its folder is sealed as failed and keeps what was saved."""

    def __init__(self, message: str, *, folder: Path, advice: str | None) -> None:
        super().__init__(message, help=advice)
        self.folder = folder


def refuse_failed(folder: RunFolder, *, retry: bool) -> None:
    """Refuse a run that has failed, unless a retry is requested.

    Raises:
        RunFailed: it has failed.
    """
    record = folder.record()
    if record is None or record.status is not Status.FAILED or retry:
        return
    saved = checkpoint.steps(folder.checkpoints)
    since = f"step {saved[-1]}" if saved else "the beginning"
    raise RunFailed(
        f"`{folder.path}` has failed: {record.reason}",
        folder=folder.path,
        advice="the same settings fail the same way: change one with --set, which starts another "
        f"run; if the machine was at fault, --retry resumes from {since}",
    )


@contextmanager
def recorded_failure(folder: RunFolder, *, log: Log) -> Generator[None]:
    """Log the error that ends a run early; seal the run as failed if it diverged.

    Raises:
        RunFailed: a loss, gradient or weight is not finite.
    """
    try:
        yield
    except NotFinite as error:
        raise _sealed_as_failed(folder, error, log=log) from error
    except (Exception, KeyboardInterrupt) as error:
        with suppress(EqspecError):  # the disk may be full
            log.write(_line(error))
        raise


def _line(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "stopped at once; what was saved is kept"
    kind = "" if isinstance(error, EqspecError) else f"{type(error).__name__}: "
    return f"{FAILED}{kind}{error}"


def _sealed_as_failed(folder: RunFolder, error: NotFinite, *, log: Log) -> RunFailed:
    """Seal a run that diverged: the same command would end the same way."""
    saved = checkpoint.steps(folder.checkpoints)
    kept = f"the checkpoint of step {saved[-1]} is kept" if saved else "no checkpoint was due yet"
    with suppress(EqspecError):  # a run without a seal can be continued as well
        log.write(f"{FAILED}{error.message}; {kept}")
        added_results(folder)
        folder.seal(Outcome(status=Status.FAILED, step=error.step - 1, reason=error.message))
    return RunFailed(f"{error.message}; {kept}", folder=folder.path, advice=error.help)
