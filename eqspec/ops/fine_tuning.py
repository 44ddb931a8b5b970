"""The training of an evaluation, as parts of a spec. Free of torch.

An evaluation that trains states it as data: the method whose encoder is the one that is evaluated,
its augmentation, a rewrite if there is one, and how long and by which rule the weights move. The
compiler makes a plan of its own from these parts (`eqspec.compile.fine_tune`), and `engine.train`
trains it like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

Start = Literal["encoder", "initial"]
"""Weights that a training starts from: the evaluated encoder's, or those before any training."""


@dataclass(frozen=True, slots=True)
class FineTune:
    """The parts of the spec of a fine-tuning.

    Attributes:
        method: body of a method card; its backbone is the encoder that is evaluated.
        augment: body of an augmentation card.
        train: `train:` of a spec.
        held_back: share of the training files that is left out, so that numbers can be chosen on
            them.
        equivariance: `equivariance:` of a spec, with cards by value; None without a rewrite.
        start: weights of the encoder. From the initial ones the result is the same for every run
            with this encoder and seed, so the training is one control of the evaluation.
    """

    method: Mapping[str, JsonValue]
    augment: Mapping[str, JsonValue]
    train: Mapping[str, JsonValue]
    held_back: float = 0.0
    equivariance: Mapping[str, JsonValue] | None = None
    start: Start = "encoder"
