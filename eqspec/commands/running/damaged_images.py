"""What a run says of images that are damaged or odd: each once, when it is met first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eqspec.commands.running.events import Damaged, Remarked, RunEvent

if TYPE_CHECKING:
    from eqspec.commands.running.evaluation import Splits


def with_damage(events: Iterator[RunEvent], *, splits: Splits) -> Iterator[RunEvent]:
    """The events of a run; after each, the images that were met damaged or odd meanwhile."""
    watched = [s for both in (splits, *splits.judged.values()) for s in (both.train, both.held_out)]
    damaged, odd = [0] * len(watched), [0] * len(watched)
    for event in events:
        yield event
        for at, dataset in enumerate(watched):
            new = tuple(dataset.unreadable.values())[damaged[at] :]
            damaged[at] += len(new)
            if new:
                yield Damaged(images=new)
            remarks = tuple(dataset.remarks.values())[odd[at] :]
            odd[at] += len(remarks)
            if remarks:
                yield Remarked(images=remarks)
