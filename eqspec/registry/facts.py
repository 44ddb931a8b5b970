"""Facts on cards, which contract tests compare with the encoder or the images."""

from __future__ import annotations

from pydantic import Field, JsonValue

from eqspec.registry.declared import Declared


class BackboneFacts(Declared):
    """Facts about an encoder.

    Attributes:
        width: features of a token.
        mean, std: pixel statistics per channel, in [0, 1], for which published weights were
            trained; None for those of ImageNet.
    """

    width: int | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None


class DatasetFacts(Declared):
    """Facts about a dataset.

    Attributes:
        count: number of training images; None for a user's own folder until it is read.
        classes: number of classes; 0 without labels.
        image: default side in pixels of the images of a spec.
        mean, std: statistics per channel of pixels in [0, 1].
        variance: mean over channels of the pixel variance.
    """

    count: int | None = None
    heldout: int | None = None
    classes: int = 0
    image: int | None = None
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    variance: float | None = None


class DatasetPart(Declared):
    """A part of a dataset to train on in place of its training split.

    Attributes:
        params, facts: values that differ from those of the card.
    """

    params: dict[str, JsonValue] = Field(default_factory=dict)
    facts: dict[str, JsonValue] = Field(default_factory=dict)
