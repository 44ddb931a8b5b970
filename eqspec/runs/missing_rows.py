"""Which rows a journal lacks: training writes one for every step, in order, from step 1 on.

So what a kill leaves is steps 1, 2, … without a hole, at least up to the newest checkpoint: rows
are synced before a checkpoint is saved. A run that resumes drops the rows after its checkpoint and
writes them again. Whatever else a journal holds has been lost, doubled or edited.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eqspec.runs.artifacts import reading
from eqspec.runs.curves import TRAIN
from eqspec.runs.journal import lines_of, need_end, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_START = re.compile(rb'\{"step":(\d{1,15}),"name":"(\w+)",')


def missing_rows(path: Path, *, through: int) -> str | None:
    """What a journal lacks, in a sentence that names it; None where it lacks nothing.

    Cheap: of lines as the journal writes them, only the beginning is read.

    Args:
        path: of the journal.
        through: the step up to which rows must be there.

    Raises:
        FolderMismatch: when a line before the last one is damaged.
        EqspecError: when it cannot be read.
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
    """The step of each row of training, in the order of the file."""
    with reading(path) as file:
        for number, line in enumerate(lines_of(file), start=1):
            start = _START.match(line) if line.endswith(b"}}\n") else None
            if start is not None:
                step, name = int(start[1]), start[2].decode()
            elif (row := parsed(line)) is not None:
                step, name = row.step, row.name
            else:
                need_end(file, path=path, number=number)
                return
            if name == TRAIN:
                yield step
