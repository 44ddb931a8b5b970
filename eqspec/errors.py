"""Every way eqspec can say no: diagnostics with a place, and one exception per exit status.

    EqspecError              1  the run failed
    ├── SpecError            2  what was written is wrong; carries all problems found in one pass
    ├── UsageError           2  the command line is wrong
    ├── FolderMismatch       3  a run folder disagrees with the plan
    ├── Interrupted        130  stopped by the user; a checkpoint was saved
    └── PeerLost            75  another process of the training has ended

A user's mistake always ends in one of these; anything else is a bug and may show a traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Severity(StrEnum):
    """How much a diagnostic matters: errors stop, warnings are shown and go on."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Location:
    """Location in a text.

    Attributes:
        file: path as given by the user, or a name such as ``<cli>:--set #2``.
        line: first line, from 1.
        column: first column, from 1.
        end_column: one past the last column on the first line.
        excerpt: the line itself, without its newline.
        before: the line above it, or None at the top of the file.
    """

    file: str
    line: int
    column: int
    end_column: int
    excerpt: str
    before: str | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Problem with its location, explanation and fix.

    Attributes:
        code: ``EQ001`` … (``EQ5xx`` are warnings); see ``eqspec.spec.codes``.
        message: description of the problem in one line, values in backticks.
        place: location, if it has one.
        label: text next to the carets under the excerpt.
        help: how to fix it.
        notes: additional facts.
        also: further locations that are part of the problem, with their labels.
        severity: error or warning.
    """

    code: str
    message: str
    location: Location | None = None
    label: str = ""
    help: str | None = None
    notes: tuple[str, ...] = ()
    also: tuple[tuple[Location, str], ...] = ()
    severity: Severity = Severity.ERROR


class EqspecError(Exception):
    """Base class of all errors reported to the user; ``exit_status`` is that of the process."""

    exit_status = 1

    def __init__(self, message: str, *, help: str | None = None) -> None:  # noqa: A002 - the field's name
        super().__init__(message)
        self.message = message
        self.help = help


class SpecError(EqspecError):
    """A spec, card or plan is invalid; carries all diagnostics."""

    exit_status = 2

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        if not diagnostics:
            raise ValueError("a SpecError needs at least one diagnostic")
        super().__init__("\n".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics


class UsageError(EqspecError):
    """Arguments are invalid, contradict each other, or refer to something that does not exist."""

    exit_status = 2


class FolderMismatch(EqspecError):
    """A run folder disagrees with the plan or with its own manifest.

    Attributes:
        run: the folder, where whoever reads several has noted it.
    """

    exit_status = 3
    run: Path | None = None


class Interrupted(EqspecError):
    """The user stopped the run, and its progress has been saved."""

    exit_status = 130


class PeerLost(EqspecError):
    """Another process of the training has ended, so that this one cannot go on.

    Its launcher reports what happened to the other one; this process only has to end. The status is
    EX_TEMPFAIL of sysexits.h: the same command may succeed.
    """

    exit_status = 75
