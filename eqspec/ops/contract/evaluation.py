"""Evaluations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from eqspec.nn.readouts.measurement import Summary
from eqspec.ops.contract.op import Op
from eqspec.ops.evaluation_reads import FeaturesRead
from eqspec.ops.example import NO_PARAMS
from eqspec.ops.fine_tuning import FineTune
from eqspec.ops.op import OpParams
from eqspec.ops.targets.kinds import TargetKind

if TYPE_CHECKING:
    from eqspec.nn.readouts.measurement import Measurement, ResultSet


class Evaluation(Protocol):
    """An evaluation with its parameters."""

    def run(self, bench: Any) -> ResultSet:  # noqa: ANN401 - each op states what it needs of a bench
        """Return the results for one encoder."""
        ...


@runtime_checkable
class EvaluationOp(Op, Protocol):
    """A protocol by which encoders are evaluated.

    Attributes:
        summary: the metrics shown where there is room for few.
        needs_labels: it reads the classes of images.
        needs_predictor: it reads predictions of a rewrite, so the rewrite's card has `predicts`.
        targets: what it reads of images besides their classes.
        tolerance: by how much a metric may differ on other hardware.
        example: parameters of a small instance, which the contract tests run.
        trains: it trains on images of its own, as `fine_tune` states.
        batch_at: the parameter with the images per step of its training.
    """

    summary: Summary
    needs_labels: bool
    tolerance: float = 0.0
    example: Mapping[str, Any] = NO_PARAMS
    trains: bool = False
    batch_at: str = "batch"
    needs_predictor: bool = False
    targets: tuple[TargetKind, ...] = ()

    @abstractmethod
    def build(self, params: OpParams) -> Evaluation:
        """Return the evaluation with its parameters."""
        ...

    @abstractmethod
    def difference(self, a: ResultSet, b: ResultSet) -> tuple[Measurement, ...]:
        """Return the metrics of `a` minus those of `b`, with paired intervals.

        Raises:
            UsageError: the two were not measured on the same samples.
        """
        ...

    def reads(self, params: OpParams) -> tuple[FeaturesRead, ...]:  # noqa: ARG002 - a default
        """Return the features of the frozen encoder that are read, so that evaluations share them.

        None by default: an evaluation may read features that it does not declare, but `plan` does
        not show or count them.
        """
        return ()

    def trained_control(self, params: OpParams) -> str | None:  # noqa: ARG002 - a default
        """Return the name of a control that is trained from the encoder's initial weights.

        None by default. The control is measured like the encoders, on features, once before the
        training of the run; `fine_tune` states its training.
        """
        return None

    def fine_tune(self, params: OpParams, *, classes: int) -> FineTune:  # noqa: ARG002 - a default
        """Return the training, for an op that trains, or that has a trained control.

        Args:
            params: of the op.
            classes: of the data, 0 without labels.
        """
        raise AssertionError("only an op that trains is asked")

    def caveats(self, params: OpParams, *, images: int) -> tuple[str, ...]:  # noqa: ARG002 - a default
        """Return sentences about parameters that exceed the number of images."""
        return ()
