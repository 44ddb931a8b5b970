"""Measurements: what an evaluation returns, and all that tables and comparisons read. numpy only.

    Measurement   one number: name, value, unit, row, group, intervals, n, protocol
    ResultSet     the measurements of one encoder by one evaluation, its facts and per-sample values
    Summary       which measurements a table of several encoders shows

An evaluation op returns a `ResultSet`; `eqspec.evals` adds the protocol; `eqspec.runs.results`
stores and reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

Group = tuple[tuple[str, str], ...]
"""(key, value) pairs such as (("family", "rot"), ("border", "canvas"))."""

IMAGES, SOURCES = "images", "sources"
"""What a bootstrap resamples: held-out images, or the photographs or objects that they show."""

ENCODER = "encoder"
"""The row that every encoder has, whatever its method: the one that tables compare."""

_DIFFERENCE = "_difference"


def group_words(group: Group) -> tuple[str, ...]:
    """Return the values of a group; numbers with their keys, as in ``k=20``."""
    return tuple(f"{key}={value}" if is_number(value) else value for key, value in group)


def is_number(text: str) -> bool:
    """Return whether a value of a group is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def difference_of(metric: str) -> str:
    """Return the name of a measurement that is the difference of two of a metric."""
    return f"{metric}{_DIFFERENCE}"


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval.

    Attributes:
        over: what was resampled: `IMAGES` or `SOURCES`.
        low, high: its ends, in the unit of the measurement; NaN where undefined.
    """

    over: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class EvalProtocol:
    """The evaluation that a number was measured by.

    Attributes:
        evaluation: its name, as a spec lists it: ``linear-probe``.
        id: name and hash of op, rev, parameters and data: two numbers are comparable where it is
            the same.
        rev: of the op; None in results of older versions.
        data: fingerprint of the held-out data; None in results of older versions.
    """

    evaluation: str
    id: str
    rev: int | None = None
    data: str | None = None

    @classmethod
    def recorded(cls, id_: str, *, facts: Mapping[str, Any]) -> EvalProtocol:
        """The protocol of a stored result, from the id in its file name and from its facts."""
        rev, data = facts.get("rev"), facts.get("data")
        return cls(
            evaluation=id_.rpartition("-")[0] or id_,
            id=id_,
            rev=rev if isinstance(rev, int) else None,
            data=data if isinstance(data, str) else None,
        )


NOT_YET = EvalProtocol(evaluation="", id="")
"""Stands for the protocol until an evaluation has finished."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number that an evaluation measured.

    Attributes:
        name: of the metric: ``top1``, ``r2``.
        value: in `unit`; NaN where it is undefined.
        unit: empty for pure numbers such as shares and R².
        row: which features were evaluated: `ENCODER`, ``z_inv``, ``z_equi``; empty for a number
            that needs no features.
        group: what distinguishes it from others of the same name and row, such as a family.
        intervals: 95 % intervals, at most one for each thing that was resampled.
        n: held-out samples that it was measured on; None in results of older versions.
        protocol: `NOT_YET` until an evaluation has finished.
    """

    name: str
    value: float
    unit: str = ""
    row: str = ""
    group: Group = ()
    intervals: tuple[Interval, ...] = ()
    n: int | None = None
    protocol: EvalProtocol = NOT_YET

    def of(self, key: str) -> str | None:
        """Return the group's value for a key, None where it has no such key."""
        return dict(self.group).get(key)

    @property
    def key(self) -> tuple[str, str, Group]:
        """Name, row and group: unique within a result set."""
        return self.name, self.row, self.group

    @property
    def label(self) -> str:
        """Name, row and group, as in ``r2 encoder rot canvas`` and ``top1 encoder k=20``."""
        return " ".join(part for part in (self.name, self.row, *group_words(self.group)) if part)

    @property
    def metric(self) -> str:
        """Name of the metric; of a difference, that of the metric it is a difference of."""
        return self.name.removesuffix(_DIFFERENCE)


@dataclass(frozen=True, slots=True)
class ResultSet:
    """The measurements of one encoder by one evaluation.

    Attributes:
        measurements: the most important one first.
        facts: sample counts, chosen learning rates, … : plain data.
        arrays: per-sample values, by which two result sets are compared on the same samples; empty
            where only the numbers were read.
        protocol: the same as that of each measurement.
        step: training steps of the encoder; 0 before any.
    """

    measurements: tuple[Measurement, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    protocol: EvalProtocol = NOT_YET
    step: int = 0

    def measured_by(self, protocol: EvalProtocol) -> ResultSet:
        """Return the same result set with a protocol in every measurement."""
        stamped = tuple(replace(one, protocol=protocol) for one in self.measurements)
        return replace(self, measurements=stamped, protocol=protocol)


@dataclass(frozen=True, slots=True)
class Summary:
    """Which measurements of an evaluation a table of several encoders shows.

    Attributes:
        title: of the table.
        metrics: name of a metric → heading of its columns; an empty heading leaves the group alone.
        by: keys of the group; every combination of their values is a column.
        digits: after the decimal point.
        floor: (share of the untrained encoder's value, word for a value below it).
        lower: names of metrics of which lower values are better, such as errors.
    """

    title: str
    metrics: Mapping[str, str]
    by: tuple[str, ...] = ()
    digits: int = 3
    floor: tuple[float, str] | None = None
    lower: frozenset[str] = frozenset()

    def select(self, measurements: Sequence[Measurement]) -> tuple[Measurement, ...]:
        """Return the encoder's summary metrics, in the order in which they were measured."""
        return tuple(m for m in measurements if m.metric in self.metrics and m.row == ENCODER)
