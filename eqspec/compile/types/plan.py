"""The plan of a run as frozen JSON data, with nothing left to look up: `Plan` and its parts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AliasChoices,
    Field,
    JsonValue,
)

from eqspec.compile.types.graph import Frozen, GraphPlan
from eqspec.compile.types.initial_weights import InitPlan, PublishedPlan
from eqspec.compile.types.provenance import PluginInfo, Provenance
from eqspec.compile.types.stages import EvaluationStage
from eqspec.compile.types.view_plan import ViewPlan
from eqspec.spec.data import Fingerprint
from eqspec.spec.names import Digest, FileName
from eqspec.spec.use import OpCall

GLOBAL = "global"
"""The stream, and the view group, of whole images."""

PLAN_SCHEMA = 1
"""Raised when the meaning of a field below changes; a plan of another schema is refused."""


class DataPlan(Frozen):
    """A dataset, independent of its location.

    Attributes:
        count: images in the training split; 0 where evaluations alone read it and no card says.
        variance: mean over channels of the pixel variance in [0, 1] units, a fact of the card.
        classes: number of classes; 0 without labels.
        held_back: share of the sources that training leaves out, so that an evaluation can choose
            numbers on them.
    """

    name: str
    impl: str
    params: dict[str, JsonValue]
    split: str
    count: int = Field(ge=0)
    variance: float | None = None
    classes: int = Field(default=0, ge=0)
    held_back: float = Field(default=0.0, ge=0, lt=1)


class RulePlan(Frozen):
    """Settings of the parameters that match; later rules win.

    Attributes:
        match: ``bias``, ``ndim<2`` or the beginning of a parameter's name; any of them matches.
        freeze: steps during which the parameters do not move.
        freeze_by: they get no gradient, or a learning rate of zero while moments gather.
    """

    match: tuple[str, ...]
    weight_decay: float | None = None
    lr_scale: float = 1.0
    freeze: int = 0
    freeze_by: Literal["gradient", "lr"] = "gradient"


class ClipPlan(Frozen):
    """Gradient clipping: largest norm, over each parameter, each module or everything.

    Attributes:
        joined: modules that count as one.
    """

    norm: float
    over: Literal["parameter", "module", "all"] = "all"
    joined: tuple[tuple[str, ...], ...] = ()


class TrainPlan(Frozen):
    """How the weights move; with no steps they do not, and all else is empty.

    Attributes:
        steps: optimizer steps in all.
        steps_per_epoch: passes drop the last incomplete batch.
        batch: global batch in samples.
        optimizer: None where there are no steps.
        lr: learning rate per step, a schedule with its peak filled in.
        weight_decay: per step.
    """

    steps: int = Field(ge=0)
    steps_per_epoch: int = Field(ge=0)
    batch: int = Field(ge=0)
    precision: Literal["fp32", "bf16"]
    optimizer: OpCall | None
    lr: float | OpCall
    weight_decay: float | OpCall
    rules: tuple[RulePlan, ...] = ()
    clip: ClipPlan | None = None


class EvalPlan(Frozen):
    """One evaluation: its op, its data, and after which steps it runs.

    Attributes:
        id: hash of protocol, rev, parameters and data.
        steps: training steps after which it runs, the last one included where `at: end`.
        controls: what stands beside the encoder as it was before training: read without any
            encoder, or, where that encoder has published weights, of an untrained one.
        stages: its features and readout, or its training; none in plans of older versions.
    """

    id: FileName
    name: str
    impl: str
    rev: int
    params: dict[str, JsonValue]
    data: DataPlan
    steps: tuple[int, ...]
    controls: tuple[str, ...] = ()
    stages: tuple[EvaluationStage, ...] = ()


class Pause(Frozen):
    """A step after which training pauses."""

    step: int
    checkpoint: bool
    evaluations: tuple[str, ...] = ()


class KeepPlan(Frozen):
    """Which checkpoints stay.

    Attributes:
        last: so many of the newest. A run resumes from the newest one, or from the one before it
            where that is damaged.
        every: also those whose step is a multiple of it; None keeps no others.
    """

    last: int = Field(default=2, ge=1)
    every: int | None = Field(default=None, ge=1)


class MachinePlan(Frozen):
    """How the training runs. Results are the same for all values but for rounding."""

    device: str = "auto"
    workers: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    compile: Literal["on", "off", "auto"] = "auto"
    micro_batches: int = Field(default=1, ge=1)


class Plan(Frozen):
    """The compiler's output.

    Attributes:
        name: of the spec, and of the variant where `compare:` made one (``quickstart-base``).
        recipe: hash of everything that changes the weights but the seed.
        resolved: the resolved spec, itself a runnable spec.
        plugins: installed packages whose ops are used; what ships with eqspec is not one.
        origins: where each leaf of `resolved` comes from, by its dotted path.
        notes: what the compiler computed that a reader should see (effective crop scale …).
        published: published weights that the encoder starts from, in place of fresh ones.
        fingerprint: how closely the training images are looked at; how it runs.
    """

    plan_schema: int = PLAN_SCHEMA
    name: FileName
    seed: int
    recipe: Digest
    resolved: dict[str, JsonValue]
    provenance: tuple[Provenance, ...] = Field(
        validation_alias=AliasChoices("provenance", "made_from")
    )
    data: DataPlan
    views: ViewPlan
    graph: GraphPlan
    train: TrainPlan
    evaluations: tuple[EvalPlan, ...]
    timetable: tuple[Pause, ...]
    machine: MachinePlan = MachinePlan()
    keep: KeepPlan = KeepPlan()
    fingerprint: Fingerprint = "sample"
    init: InitPlan | None = None
    published: PublishedPlan | None = None
    plugins: tuple[PluginInfo, ...] = ()
    origins: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def image(self) -> int:
        """Side in pixels of the images that the encoder is evaluated on: of the global views."""
        return self.graph.streams[GLOBAL].size("H")

    @property
    def datasets(self) -> tuple[DataPlan, ...]:
        """The dataset of the training, then that of each evaluation."""
        return (self.data, *(evaluation.data for evaluation in self.evaluations))

    @property
    def trains(self) -> bool:
        """Whether anything is trained; otherwise published weights are evaluated as they are."""
        return self.train.steps > 0
