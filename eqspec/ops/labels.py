"""Whether two splits can be evaluated on: images enough, and labels of use. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eqspec.ops.tolerant import Dataset

LEAST = 2
"""Images of each split without which nothing can be evaluated."""

NAMED = 5
"""Classes that a message names."""

_BOTH = "both splits need the same class folders"


@dataclass(frozen=True, slots=True)
class NoLabels:
    """Why an evaluation that reads labels cannot be made, and what to do."""

    why: str
    help: str


def too_few(train: int, held_out: int) -> str | None:
    """What an evaluation needs more of; None where there are images enough."""
    if train >= LEAST and held_out >= LEAST:
        return None
    return (
        f"needs at least {LEAST} images to learn from and {LEAST} held-out ones; there are "
        f"{train} and {held_out}"
    )


def why_no_labels(train: Dataset, held_out: Dataset, *, data: str) -> NoLabels | None:
    """What is wrong with the labels of two splits; None where nothing is.

    Args:
        data: name of the dataset.
    """
    if train.labels is None or held_out.labels is None:
        return NoLabels(
            f"the images of `{data}` have none",
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
    """What is wrong with the classes that images are of, in training and held out."""
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
            f"put them into one folder per class; should these lie in `{only}`: --data DIR/{only}",
        )
    return None


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
