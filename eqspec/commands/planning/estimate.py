"""Estimated cost of a plan on a machine: hours, memory of a device, disk space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from eqspec.commands.planning.schedule import evaluation_steps
from eqspec.compile.evaluation_stages import shared_features
from eqspec.compile.graph.sample_groups import inexact_pieces
from eqspec.compile.types.plan import Plan
from eqspec.ops.feature_rows import CELLS, CLASS_ALONE, ENCODER
from eqspec.registry.cards import MachineCard

if TYPE_CHECKING:
    from eqspec.build.cost.cached import Trace

NUMBER_BYTES, ROW_BYTES = 26, 160
"""Bytes of a number in a journal, and of the rest of a row of both journals."""

HEADROOM = 1.3
"""Factor for memory that an allocator reserves: with glibc, processes grew by up to 1.27 times the
estimate (iBOT, 32 samples); with freed memory returned at once, by 0.97 to 1.03 times."""

FLOAT_BYTES = 4
"""Bytes of a feature."""

RESULT_BYTES = 2**20
"""Assumed for one result of an evaluation, with its arrays."""


@dataclass(frozen=True, slots=True)
class Disk:
    """Disk space of a run folder, in bytes.

    Attributes:
        checkpoint: one of them.
        checkpoints: number of them that are kept.
        journals: of all steps.
        results: of all evaluations, at `RESULT_BYTES` each.
        trainings: of evaluations that train, as far as their data are known.
        features: of evaluations, in files while they go on; removed when the run is sealed, so not
            part of the total. Of images whose number is stated.
    """

    checkpoint: int
    checkpoints: int
    journals: int
    results: int
    trainings: int = 0
    features: int = 0

    @property
    def total(self) -> int:
        """The whole folder."""
        kept = self.checkpoint * self.checkpoints
        return kept + self.journals + self.results + self.trainings


@dataclass(frozen=True, slots=True)
class OnMachine:
    """Estimates for a plan on a machine card.

    Attributes:
        machine: name of the card.
        share: samples of the global batch on one device.
        problem: why the batch cannot be divided among the devices; None if it can.
        hours: shortest and longest; None if the card has no figure for the precision. Reading
            images and evaluating count as far as they did in the card's measurement.
        evidence: whether the card's utilisation was measured.
        source: of the utilisation.
        needed, there: bytes on one device, estimated and in all.
        pieces: the fewest micro-batches with which a step fits; None if none do.
    """

    machine: str
    devices: int
    share: int
    problem: str | None
    hours: tuple[float, float] | None
    evidence: Literal["measured", "assumed"] | None
    source: str | None
    needed: float
    there: float
    pieces: int | None

    @property
    def fits(self) -> bool:
        """Whether a step fits as planned, with `HEADROOM`."""
        return self.needed * HEADROOM <= self.there


def disk(plan: Plan, trace: Trace, *, untrained: bool, trainings: int = 0) -> Disk:
    """Estimate the disk space of a plan's run folder.

    Args:
        untrained: whether the encoder is also evaluated before training.
        trainings: bytes of the trainings of evaluations.
    """
    saves = [pause.step for pause in plan.timetable if pause.checkpoint]
    newest = set(saves[-plan.keep.last :])
    kept = newest | {s for s in saves if plan.keep.every is not None and s % plan.keep.every == 0}
    results = sum(
        len(steps) + (len(e.controls) if 0 in steps else 0)
        for e in plan.evaluations
        for steps in [evaluation_steps(plan, e, untrained=untrained)]
    )
    return Disk(
        checkpoint=trace.memory.checkpoint,
        checkpoints=len(kept),
        journals=journal_bytes(plan),
        results=results * RESULT_BYTES,
        trainings=trainings,
        features=features_bytes(plan),
    )


def features_bytes(plan: Plan) -> int:
    """Estimate the size of the features that one encoder state is evaluated by."""
    backbone = next(m for m in plan.graph.modules if m.family == "backbones").output
    width = backbone.size("D")
    parts = dict(zip(("z_inv", "z_equi"), plan.graph.split or (0, 0), strict=True))
    cells = min(backbone.size("N") - backbone.prefix, CELLS**2)
    widths = {ENCODER: 2 * width if backbone.prefix else width, CLASS_ALONE: width, **parts}
    widths |= {f"{part}_tokens": cells * w for part, w in ({ENCODER: width} | parts).items()}
    stored = [ENCODER, "z_inv", "z_equi"]
    counts = {one.data.name: one.data.count for one in plan.evaluations}
    total = 0
    for stage, _ in shared_features(plan.evaluations).values():
        rows = stored if stage.form == "pooled" else stage.rows
        train = most_there(stage.train, counts[stage.data])
        images = train + (stage.heldout or 0)
        total += FLOAT_BYTES * images * stage.vectors * sum(widths[row] for row in rows)
    return total


def most_there(limit: int | None, count: int) -> int:
    """Return how many of `count` images are read, 0 if neither count nor limit is known."""
    if limit is None:
        return count
    return min(limit, count) if count else limit


def journal_bytes(plan: Plan) -> int:
    """Estimate the size of the journals of all steps."""
    numbers = len(plan.graph.terms) + 3  # the loss, the rate, the gradient
    return plan.train.steps * (ROW_BYTES + NUMBER_BYTES * numbers)


def on_machine(plan: Plan, trace: Trace, *, name: str, card: MachineCard) -> OnMachine:
    """Estimate the cost of a plan on a machine."""
    batch, precision = plan.train.batch, plan.train.precision
    share, rest = divmod(batch, card.devices)
    speed = card.speed.get(precision)
    hours = None
    if speed is not None:
        work = trace.train_gflops_per_sample * 1e9 * batch * plan.train.steps
        slowest, fastest = (
            work / (card.devices * speed.peak_tflops * 1e12 * part) / 3600
            for part in speed.utilisation
        )
        hours = (fastest, slowest)
    there = card.memory_gib * 2**30
    return OnMachine(
        machine=name,
        devices=card.devices,
        share=share,
        problem=f"a batch of {batch} cannot be shared by {card.devices} devices" if rest else None,
        hours=hours,
        evidence=None if speed is None else speed.evidence,
        source=None if speed is None else speed.source,
        needed=peak(plan, trace, share=share),
        there=there,
        pieces=_pieces(plan, trace, share=share, there=there),
    )


def peak(plan: Plan, trace: Trace, *, share: int, pieces: int | None = None) -> float:
    """Estimate the memory, in bytes, of one device with a share of the batch.

    Args:
        pieces: micro-batches; None for those of the plan.
    """
    return trace.memory.peak(share, micro_batches=pieces or plan.machine.micro_batches)


def _pieces(plan: Plan, trace: Trace, *, share: int, there: float) -> int | None:
    """Return the fewest micro-batches that fit and are exact."""
    for pieces in range(1, share + 1):
        needed = peak(plan, trace, share=share, pieces=pieces)
        if share % pieces or needed * HEADROOM > there:
            continue
        if pieces == 1 or inexact_pieces(plan.graph, piece=share // pieces) is None:
            return pieces
    return None
