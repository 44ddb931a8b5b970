"""The JSON file of a stored result, including files of older versions.

    {"metrics": [{"name": "r2", "value": 0.43, "unit": "", "row": "encoder",
                  "group": {"family": "rot"}, "n": 512,
                  "intervals": [{"over": "images", "low": 0.41, "high": 0.45}]}],
     "facts": {"evaluation": "r2-3f2a9c01", "rev": 1, "heldout_images": 512},
     "arrays": {"sha256": "…", "bytes": 1234}, "sha256": "…"}

Older versions wrote an entry for each interval, with `low` and `high` beside the value, `row` and
`interval` in the group; some called images ``crops`` and sources ``photos`` for all data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from eqspec.nn.readouts.measurement import (
    IMAGES,
    SOURCES,
    EvalProtocol,
    Interval,
    Measurement,
    ResultSet,
)
from eqspec.runs.artifacts import FileEntry

_OLDER_WORDS: Mapping[str, str] = MappingProxyType({"crops": IMAGES, "photos": SOURCES})
_OLDER_FACTS: Mapping[str, str] = MappingProxyType({"heldout_photos": "heldout_sources"})


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class _StoredInterval(_Model):
    over: str
    low: float | None
    high: float | None

    def interval(self) -> Interval:
        over = _OLDER_WORDS.get(self.over, self.over)
        return Interval(over, _number(self.low), _number(self.high))


class _StoredMeasurement(_Model):
    """One entry; `low` and `high` only in files of older versions."""

    name: str
    value: float | None
    unit: str = ""
    row: str = ""
    group: dict[str, str] = Field(default_factory=dict)
    intervals: tuple[_StoredInterval, ...] = ()
    n: int | None = None
    low: float | None = None
    high: float | None = None

    def measurement(self) -> Measurement:
        group = dict(self.group)
        row, over = group.pop("row", self.row), group.pop("interval", None)
        intervals = self.intervals
        if over is not None or self.low is not None or self.high is not None:
            intervals = (_StoredInterval(over=over or "", low=self.low, high=self.high),)
        return Measurement(
            name=self.name,
            value=_number(self.value),
            unit=self.unit,
            row=row,
            group=tuple(group.items()),
            intervals=tuple(one.interval() for one in intervals),
            n=self.n,
        )


class StoredResult(_Model):
    """The JSON file of a result.

    Attributes:
        metrics: the measurements.
        facts: facts about the evaluation.
        arrays: size and hash of the file with per-sample values.
        sha256: hash over the rest of the file and the identity of its run.
    """

    metrics: tuple[_StoredMeasurement, ...]
    facts: dict[str, Any]
    arrays: FileEntry | None = None
    sha256: str | None = None

    def results(self, *, id_: str, step: int) -> ResultSet:
        """Return the measurements with their protocol; per-sample values are not read.

        Args:
            id_: id of the evaluation, from the file name.
            step: optimizer step, from the file name.
        """
        facts = {_OLDER_FACTS.get(name, name): value for name, value in self.facts.items()}
        n = facts.get("heldout_pairs", facts.get("heldout_images"))
        merged = _merged(one.measurement() for one in self.metrics)
        counted = (replace(m, n=n) if m.n is None and isinstance(n, int) else m for m in merged)
        found = ResultSet(tuple(counted), facts=facts, step=step)
        return found.measured_by(EvalProtocol.recorded(id_, facts=facts))


def as_json(results: ResultSet) -> dict[str, Any]:
    """Return measurements and facts as plain data for JSON; NaN and infinities become None."""
    entries = [
        {
            "name": one.name,
            "value": _finite(one.value),
            "unit": one.unit,
            "row": one.row,
            "group": dict(one.group),
            "intervals": [
                {"over": i.over, "low": _finite(i.low), "high": _finite(i.high)}
                for i in one.intervals
            ],
            "n": one.n,
        }
        for one in results.measurements
    ]
    return {"metrics": entries, "facts": dict(results.facts)}


def _merged(measurements: Iterable[Measurement]) -> Iterable[Measurement]:
    """Merge entries of the same number into one measurement with all intervals."""
    found: dict[tuple[object, ...], Measurement] = {}
    for one in measurements:
        known = found.get(one.key)
        intervals = one.intervals if known is None else (*known.intervals, *one.intervals)
        found[one.key] = replace(known or one, intervals=intervals)
    return found.values()


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
