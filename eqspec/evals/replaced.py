"""Damaged images of the data that an evaluation read, and for which others stood.

They are facts of its result, and of none where nothing is damaged. Which images are named depends
on the data and on those that the evaluation reads alone, not on what this process has read before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from eqspec.ops.tolerant import Tolerant

if TYPE_CHECKING:
    from pydantic import JsonValue

    from eqspec.build.data.loader import Dataset

COUNT = "replaced_images"
"""The fact that says how many images were replaced."""

NAMED = "replaced"
"""The fact that names them: split → number and name of each."""

MOST = 100
"""Images of a split that are named."""


def replaced_facts(read: Mapping[str, tuple[Dataset, Iterable[int]]]) -> dict[str, JsonValue]:
    """What a result says of replaced images.

    Args:
        read: split → its dataset, and the samples that were read of it.
    """
    count = 0
    named: dict[str, JsonValue] = {}
    for split, (dataset, samples) in read.items():
        if not isinstance(dataset, Tolerant):
            continue
        numbers = dataset.replaced(samples)
        if numbers:
            count += len(numbers)
            named[split] = [{"number": n, "name": dataset.name(n)} for n in numbers[:MOST]]
    return {COUNT: count, NAMED: named} if count else {}
