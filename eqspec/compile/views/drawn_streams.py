"""Streams of drawn augmentation parameters: their steps, names and widths.

``draws.crop`` is the box of each view, ``draws.color`` what its colour step was given, ``draws``
all of them side by side. `eqspec.build.views.drawn_parameters` fills them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from eqspec.ops.find import find_transform

CROP, CROP_WIDTH = "crop", 4
"""The box (left, top, width, height), in shares of the image's sides."""


def step_keys(impls: Sequence[str]) -> tuple[str, ...]:
    """A name for each step of a view: its op's, numbered from the second on: ``color.2``."""
    return tuple(
        impl if (n := impls[: at + 1].count(impl)) == 1 else f"{impl}.{n}"
        for at, impl in enumerate(impls)
    )


def drawn_widths(views: Sequence[Sequence[str]]) -> dict[str, int]:
    """What the views of a group draw, in order: step → how many numbers.

    A step without parameters, such as a flip, has one: whether it was applied.

    Args:
        views: of each view the names of its steps' ops.
    """
    widths = {CROP: CROP_WIDTH}
    for key in chain.from_iterable(step_keys(impls) for impls in views):
        op = find_transform(key.split(".", maxsplit=1)[0])
        widths[key] = max(1, len(op.names))
    return widths


def drawn_streams(widths: Mapping[str, int], *, whole: str) -> Iterator[tuple[str, int]]:
    """(stream, width) of each step, and of all of them together under the name `whole`."""
    yield whole, sum(widths.values())
    for key, width in widths.items():
        yield f"{whole}.{key}", width
