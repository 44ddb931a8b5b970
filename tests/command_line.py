"""Commands as a user gives them: arguments in; exit status, stdout and stderr out."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

from eqspec.cli.main import main


@dataclass(frozen=True)
class Answer:
    """What a command has printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Stdout as JSON."""
        return json.loads(self.out)

    @property
    def last(self) -> str:
        """The last line of stderr."""
        return self.err.splitlines()[-1]


def ask(*argv: str) -> Answer:
    """Run a command in this process."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        status = main(list(argv))
    return Answer(status, out.getvalue(), err.getvalue())
