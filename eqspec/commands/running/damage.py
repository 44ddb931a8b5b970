"""What a run says of images that it cannot read: each once, when it is met first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eqspec.commands.running.events import Damaged, RunEvent
from eqspec.ops.tolerant import Tolerant

if TYPE_CHECKING:
    from eqspec.commands.running.judging import Splits


def with_damage(events: Iterator[RunEvent], *, splits: Splits) -> Iterator[RunEvent]:
    """The events of a run; after each, the images that could not be read while it came about."""
    opened = [s for both in (splits, *splits.judged.values()) for s in (both.train, both.held_out)]
    watched = [dataset for dataset in opened if isinstance(dataset, Tolerant)]
    said = [0] * len(watched)
    for event in events:
        yield event
        for at, dataset in enumerate(watched):
            new = tuple(dataset.unreadable.values())[said[at] :]
            said[at] += len(new)
            if new:
                yield Damaged(images=new)
