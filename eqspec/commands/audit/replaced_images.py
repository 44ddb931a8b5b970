"""Sentences about images that could not be decoded and were replaced by others."""

from __future__ import annotations

from collections.abc import Sequence

from eqspec.commands.running.data_names import listed


def replaced_phrase(names: Sequence[str]) -> str:
    """Return how many images were replaced, and which: in the run and here alike.

    Args:
        names: of the images, at least one.
    """
    were = "was" if len(names) == 1 else "were"
    return f"{len(names):,} could not be decoded and {were} replaced, as here: {listed(names)}"
