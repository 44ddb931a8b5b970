"""Every way eqspec can say no: diagnostics with a place, and one exception per exit status.

    EqspecError              1  the run failed
    ├── SpecError            2  what was written is wrong; carries all problems found in one pass
    ├── UsageError           2  the command line is wrong
    ├── FolderMismatch       3  a run folder disagrees with the plan
    └── Interrupted        130  stopped by the user; a checkpoint was saved

A user's mistake always ends in one of these; anything else is a bug and may show a traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a diagnostic matters: errors stop, warnings are shown and go on."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a text something stands.

    Attributes:
        file: the path as the user gave it, or a name such as ``<cli>:--set #2``.
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
    """One problem: what, where, why, and what to do.

    Attributes:
        code: ``EQ001`` … (``EQ5xx`` are warnings); see ``eqspec.spec.codes``.
        message: what is wrong, one line, values in backticks.
        place: where it stands, if it stands anywhere.
        label: what the caret under the excerpt says.
        help: what to do about it.
        notes: facts that explain it.
        also: a second place that is part of the problem, with its own label.
        severity: error or warning.
    """

    code: str
    message: str
    place: Place | None = None
    label: str = ""
    help: str | None = None
    notes: tuple[str, ...] = ()
    also: tuple[tuple[Place, str], ...] = ()
    severity: Severity = Severity.ERROR


class EqspecError(Exception):
    """A failure that eqspec explains itself; ``exit_status`` is what the process returns."""

    exit_status = 1

    def __init__(self, message: str, *, help: str | None = None) -> None:  # noqa: A002 - the field's name
        super().__init__(message)
        self.message = message
        self.help = help


class SpecError(EqspecError):
    """What a person wrote is wrong; carries every diagnostic of the pass."""

    exit_status = 2

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        if not diagnostics:
            raise ValueError("a SpecError needs at least one diagnostic")
        super().__init__("\n".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics


class UsageError(EqspecError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_status = 2


class FolderMismatch(EqspecError):
    """A run folder disagrees with the plan or with its own manifest."""

    exit_status = 3


class Interrupted(EqspecError):
    """The user stopped the run; what is worth keeping has been saved."""

    exit_status = 130
