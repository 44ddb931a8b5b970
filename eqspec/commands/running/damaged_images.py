"""Reports of damaged or odd images, each once, when a run first reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from eqspec.commands.running.events import Damaged, Remarked, RunEvent

if TYPE_CHECKING:
    from eqspec.commands.running.run_data import RunData
    from eqspec.ops.tolerant import Tolerant


def with_damage(events: Iterator[RunEvent], *, data: RunData) -> Iterator[RunEvent]:
    """Yield the events of a run, and after each the images that were damaged or odd meanwhile."""
    met = [_Met(dataset) for dataset in data.datasets]
    for event in events:
        yield event
        for one in met:
            yield from one.new()
    for one in met:  # images read after the last event
        yield from one.new()


class _Met:
    """The damaged and odd images of one dataset that are reported already."""

    def __init__(self, dataset: Tolerant) -> None:
        self._dataset = dataset
        self._damaged = 0
        self._odd = 0

    def new(self) -> Iterator[RunEvent]:
        damaged = _after(self._dataset.unreadable, self._damaged)
        self._damaged += len(damaged)
        if damaged:
            yield Damaged(images=damaged)
        odd = _after(self._dataset.remarks, self._odd)
        self._odd += len(odd)
        if odd:
            yield Remarked(images=odd)


def _after(found: Mapping[int, str], count: int) -> tuple[str, ...]:
    return tuple(found.values())[count:]
