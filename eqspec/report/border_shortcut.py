"""Gains in R² that only black corners explain.

A rotation or shift that fills with black what it uncovers can be read from the shape of the black
area, without a trace of the transform in the features of the image's content. Under `canvas` the
image goes on where the frame ends, so nothing but content is left to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

BLACK, CONTENT = "zeros", "canvas"
"""The border that gives a geometric transform away, and the one that does not."""


@dataclass(frozen=True, slots=True)
class Gain:
    """The gain of one encoder over another in R² of a family, under one border.

    Attributes:
        clear: whether its interval is above zero.
    """

    family: str
    border: str
    value: float
    clear: bool


def border_shortcuts(gains: Iterable[Gain], *, of: str, over: str) -> Iterator[str]:
    """Yield a sentence for each family whose gain under black borders is missing under content.

    Args:
        of: the encoder that gains.
        over: the one it is compared with.
    """
    by_place = {(gain.family, gain.border): gain for gain in gains}
    for (family, border), gain in by_place.items():
        without = by_place.get((family, CONTENT))
        if border != BLACK or without is None or not gain.clear or without.clear:
            continue
        yield (
            f"border shortcut: {of} reads {family} better than {over} under `{BLACK}` "
            f"({gain.value:+.3f}), where black corners give it away, but not under `{CONTENT}` "
            f"({without.value:+.3f}), where only the image's content can."
        )
