"""Checks that two splits have enough images and usable labels for evaluation. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eqspec.ops.tolerant import Dataset

LEAST = 2
"""Smallest number of images of each split for an evaluation."""

NAMED = 5
"""Largest number of classes listed by a message."""

_BOTH = "both splits need the same class folders"


@dataclass(frozen=True, slots=True)
class NoLabels:
    """Reason why an evaluation that needs labels is impossible, and what to do."""

    why: str
    help: str


def too_few(train: int, held_out: int) -> str | None:
    """Return a message if there are too few images for an evaluation, else None."""
    if train >= LEAST and held_out >= LEAST:
        return None
    return (
        f"needs at least {LEAST} training images and {LEAST} held-out ones; there are "
        f"{train} and {held_out}"
    )


def why_no_labels(train: Dataset, held_out: Dataset, *, data: str) -> NoLabels | None:
    """Return the problem with the labels of two splits, or None.

    Args:
        data: name of the dataset.
    """
    if train.labels is None or held_out.labels is None:
        return NoLabels(
            f"`{data}` has none",
            "put them into one folder per class, or name labelled data: `with: {data: …}`",
        )
    if train.classes != held_out.classes:
        odd = sorted(set(train.classes) ^ set(held_out.classes))
        why = f"the training and the held-out images of `{data}` have different classes: "
        return NoLabels(why + _some(odd), _BOTH)
    learnt, asked = (
        sorted(train.classes[i] for i in set(labels.tolist()))
        for labels in (train.labels, held_out.labels)
    )
    return _unusable(learnt, asked, data=data)


def _unusable(learnt: Sequence[str], asked: Sequence[str], *, data: str) -> NoLabels | None:
    """Return the problem with the classes of the training and held-out images, or None."""
    if set(learnt).isdisjoint(asked):
        return NoLabels(
            f"no class of `{data}` is in both splits: the training images are of "
            f"{_some(learnt)}, the held-out ones of {_some(asked)}",
            _BOTH,
        )
    if len(learnt) == 1:
        only = learnt[0]
        return NoLabels(
            f"all training images of `{data}` are of one class, `{only}`",
            f"put them into one folder per class; if these are in `{only}`: --data DIR/{only}",
        )
    return None


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
