"""Sentences about the images behind results: damaged ones, and other held-out images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from eqspec.commands.running.data_names import listed
from eqspec.evals.replaced import COUNT, NAMED
from eqspec.runs.data_record import Replaced
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from eqspec.nn.readouts.measurement import ResultSet

_REPLACED = TypeAdapter(dict[str, tuple[Replaced, ...]])

FINGERPRINT = "data"
"""Name of the fact with the fingerprint of the held-out images."""


def replaced_images(facts: Mapping[str, JsonValue]) -> Iterator[tuple[str, Replaced]]:
    """Yield split and image of every replaced image that the facts of a result name."""
    try:
        named = _REPLACED.validate_python(facts.get(NAMED, {}))
    except ValidationError:  # nothing that eqspec has written
        return
    yield from ((split, image) for split, images in named.items() for image in images)


def replaced_count(results: ResultSet) -> int:
    """Return how many damaged images were replaced while a result was measured."""
    count = results.facts.get(COUNT, 0)
    return count if isinstance(count, int) else 0


def replaced_sentences(named: Sequence[tuple[str, ResultSet]]) -> Iterator[str]:
    """Yield a sentence for every number of replaced images, with the rows that it concerns.

    Args:
        named: rows of the table of an evaluation.
    """
    rows: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for row, results in named:
        if count := replaced_count(results):
            names = tuple(f"{split} {one.name}" for split, one in replaced_images(results.facts))
            rows.setdefault((count, names), []).append(row)
    for (count, names), concerned in rows.items():
        whose = "" if len(concerned) == len(named) else f"{', '.join(concerned)}: "
        evaluation = named[0][1].protocol.evaluation
        were, others = ("was", "another") if count == 1 else ("were", "others")
        which = f": {listed(names)}" if names else ""
        yield (
            f"{whose}{counted(count, 'image')} of `{evaluation}` could not be decoded and {were} "
            f"replaced by {others}{which}."
        )


def other_data_sentences(named: Sequence[tuple[str, ResultSet]]) -> Iterator[str]:
    """Yield a sentence for rows that were measured on other held-out images than the last one."""
    if not named:
        return
    last, latest = named[-1]
    others = dict.fromkeys(row for row, one in named if on_other_data(one, latest))
    if others:
        yield (
            f"{', '.join(others)} and {last} were measured by `{latest.protocol.evaluation}` on "
            "different held-out images: their numbers cannot be compared."
        )


def on_other_data(a: ResultSet, b: ResultSet) -> bool:
    """Return whether two results were measured on different held-out images, as far as known."""
    fingerprints = a.facts.get(FINGERPRINT), b.facts.get(FINGERPRINT)
    return None not in fingerprints and fingerprints[0] != fingerprints[1]
