"""Facts of a result about damaged images that were replaced during the evaluation.

A result without damaged images has no such facts. They depend only on the data and on the images
read by the evaluation, not on earlier reads of this process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from eqspec.ops.tolerant import Tolerant

if TYPE_CHECKING:
    from pydantic import JsonValue

    from eqspec.build.data.loader import Dataset

COUNT = "replaced_images"
"""Name of the fact with the number of replaced images."""

NAMED = "replaced"
"""Name of the fact that lists them: split → number and name of each."""

MOST = 100
"""Largest number of images listed per split."""


def replaced_facts(read: Mapping[str, tuple[Dataset, Iterable[int]]]) -> dict[str, JsonValue]:
    """Return the facts of a result about replaced images.

    Args:
        read: split → its dataset and the samples that were read.
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
