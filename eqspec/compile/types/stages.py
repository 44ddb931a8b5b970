"""The stages of an evaluation as frozen JSON data.

An evaluation either reads features of the frozen encoder, which evaluations share, and computes its
measurements from them; or it trains, in a run of its own, and measures what it has trained.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

from eqspec.compile.types.graph import Frozen
from eqspec.ops.evaluation_reads import Form
from eqspec.ops.feature_rows import Row, TokenRow
from eqspec.ops.targets.kinds import TargetKind
from eqspec.spec.names import FileName


class FeaturesStage(Frozen):
    """Features of one encoder state on one dataset, encoded once.

    Attributes:
        id: hash of everything that determines them but the encoder and the number of images.
        data: name of the dataset.
        train, heldout: largest number of images of each split; None for all, 0 for none.
        vectors: feature vectors of an image, per row.
        content: layers, sizes, transforms, ….
    """

    stage: Literal["features"] = "features"
    id: FileName
    form: Form
    data: str
    rows: tuple[Row | TokenRow, ...]
    train: int | None
    heldout: int | None
    vectors: int = 1
    content: dict[str, JsonValue] = Field(default_factory=dict)


class ReadoutStage(Frozen):
    """Measurements computed from features.

    Attributes:
        features: ids of the features; none where an evaluation reads images by itself.
        targets: what is read of the images besides.
    """

    stage: Literal["readout"] = "readout"
    features: tuple[FileName, ...] = ()
    targets: tuple[TargetKind, ...] = ()


_NEWER = frozenset({"equivariance", "control"})
"""Fields of a training that older plans lack."""


class FineTuneStage(Frozen):
    """A training from the run's encoder, in a run of its own, and measurements of its result.

    Its plan is compiled like any other (`eqspec.compile.fine_tune`), once images and encoder are
    known.

    Attributes:
        targets: what is learned.
        held_back: share of the training files that is left out, to choose numbers on.
        classes: of the data, by its card; 0 if only the images tell.
        method: body of a method card; None without `classes`.
        augment: body of an augmentation card, likewise.
        train: `train:` of its spec, likewise.
        equivariance: `equivariance:` of its spec, likewise; None also without a rewrite.
        control: name of the control of the evaluation that is trained, from the initial weights, in
            place of the encoder; None: every encoder that is evaluated is trained.
    """

    stage: Literal["fine-tune"] = "fine-tune"
    targets: tuple[TargetKind, ...] = ()
    held_back: float = 0.0
    classes: int = 0
    method: dict[str, JsonValue] | None = None
    augment: dict[str, JsonValue] | None = None
    train: dict[str, JsonValue] | None = None
    equivariance: dict[str, JsonValue] | None = None
    control: str | None = None

    @model_serializer(mode="wrap")
    def _without_newer(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit newer fields that say nothing, so that plans read as before they existed."""
        written: dict[str, Any] = rest(self)
        return {k: v for k, v in written.items() if v is not None or k not in _NEWER}


EvaluationStage = Annotated[
    FeaturesStage | ReadoutStage | FineTuneStage, Field(discriminator="stage")
]
