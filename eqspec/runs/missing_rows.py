"""Find missing rows in a journal.

Training writes one row per step, in order, from step 1. Rows are synced before a checkpoint is
saved, so a kill leaves steps 1, 2, … without gaps, at least up to the newest checkpoint. A resumed
run removes the rows after its checkpoint and writes them again. Any gap, repetition or other order
is the result of damage or editing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eqspec.runs.artifacts import reading
from eqspec.runs.curves import TRAIN
from eqspec.runs.journal import lines_of, parsed, require_end

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_START = re.compile(rb'\{"step":(\d{1,15}),"name":"(\w+)",')


def missing_rows(path: Path, *, through: int) -> str | None:
    """Describe the first problem of a journal's rows in a sentence; None if there is none.

    Cheap: only the beginning of a regular line is parsed.

    Args:
        path: path of the journal.
        through: last step that must have a row.

    Raises:
        FolderMismatch: if a line before the last one is damaged.
        EqspecError: if it cannot be read.
    """
    if not path.is_file():
        return f"`{path}` is missing, with the rows of {_steps(1, through)}" if through else None
    last = 0
    for step in _trained(path):
        if step != last + 1:
            return f"`{path}` {_wrong(step, last=last)}"
        last = step
    return f"`{path}` lacks the rows of {_steps(last + 1, through)}" if last < through else None


def _wrong(step: int, *, last: int) -> str:
    if step > last + 1:
        return f"lacks the rows of {_steps(last + 1, step - 1)}"
    if step == last:
        return f"has two rows of step {step:,}"
    return f"has the row of step {step:,} after that of step {last:,}"


def _steps(first: int, last: int) -> str:
    return f"step {first:,}" if first == last else f"steps {first:,} to {last:,}"


def _trained(path: Path) -> Iterator[int]:
    """Yield the step of each training row, in the order of the file."""
    with reading(path) as file:
        for number, line in enumerate(lines_of(file), start=1):
            start = _START.match(line) if line.endswith(b"}}\n") else None
            if start is not None:
                step, name = int(start[1]), start[2].decode()
            elif (row := parsed(line)) is not None:
                step, name = row.step, row.name
            else:
                require_end(file, path=path, number=number)
                return
            if name == TRAIN:
                yield step
