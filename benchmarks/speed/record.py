"""Results of cases as JSON: each case has the commit, the machine and the date of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from benchmarks.speed.case import Case, Comparison, Facts, Limit, Setting
from benchmarks.speed.machine import Machine
from benchmarks.speed.measure import Measured
from benchmarks.speed.process import Turn
from benchmarks.speed.summary import Spread, ratio, spread

FOUND = Path(__file__).parents[1] / "results.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ContestantResult(_Part):
    """A contestant's numbers.

    Attributes:
        seconds: of a turn.
        rate: units per second; of the median turn.
        warm_up: seconds of the preparation.
        memory: peak bytes of its main process.
        device_memory: peak bytes on the GPU.
        facts: constant ones, and the medians of those of its turns.
    """

    name: str
    seconds: Spread
    rate: float
    warm_up: float
    memory: int
    device_memory: int
    facts: dict[str, float]


class RatioResult(_Part):
    """A ratio of two contestants' times, with its bar."""

    slower: str
    faster: str
    ratio: Spread
    at_least: float | None
    at_most: float | None

    @property
    def met(self) -> bool | None:
        """Whether the median is on the right side of the bar; None without one."""
        if self.at_least is not None:
            return self.ratio.median >= self.at_least
        return None if self.at_most is None else self.ratio.median <= self.at_most


class LimitResult(_Part):
    """A contestant's number with its bars."""

    name: str
    fact: str
    value: Spread
    at_least: float | None
    at_most: float | None

    @property
    def met(self) -> bool:
        """Whether the median is within the bars."""
        low = self.at_least is None or self.value.median >= self.at_least
        return low and (self.at_most is None or self.value.median <= self.at_most)


class CaseResult(_Part):
    """The result of one case on one device.

    Attributes:
        absent: contestant → why it took no part.
    """

    case: str
    title: str
    about: str
    unit: str
    device: str
    scale: str
    machine: Machine
    contestants: tuple[ContestantResult, ...]
    ratios: tuple[RatioResult, ...]
    limits: tuple[LimitResult, ...] = ()
    absent: dict[str, str]


class Results(_Part):
    """All results, by case and device."""

    cases: tuple[CaseResult, ...] = ()

    def with_case(self, result: CaseResult) -> Self:
        """Return the results with those of one case on one device replaced or added."""
        key = result.case, result.device
        others = (c for c in self.cases if (c.case, c.device) != key)
        ordered = sorted((*others, result), key=lambda c: (c.device, c.case))
        return self.model_copy(update={"cases": tuple(ordered)})


def summarise(
    name: str, case: Case, measured: Measured, *, setting: Setting, machine: Machine
) -> CaseResult:
    """Return the result of a case from the turns of its contestants."""
    amount = case.amount(setting)
    contestants = tuple(
        _contestant(n, turns, measured=measured, amount=amount)
        for n, turns in measured.turns.items()
    )
    facts = {c.name: c.facts for c in contestants}
    return CaseResult(
        case=name,
        title=case.title,
        about=case.about,
        unit=case.unit,
        device=setting.device,
        scale=setting.scale,
        machine=machine,
        contestants=contestants,
        ratios=_ratios(case, facts, measured.turns),
        limits=tuple(
            _limit(limit, measured) for limit in case.limits if limit.name in measured.turns
        ),
        absent=dict(measured.absent),
    )


def _contestant(
    name: str, turns: Sequence[Turn], *, measured: Measured, amount: float
) -> ContestantResult:
    seconds = spread([turn.seconds for turn in turns])
    keys = dict.fromkeys(key for turn in turns for key in turn.facts)
    medians = {key: spread([t.facts[key] for t in turns if key in t.facts]).median for key in keys}
    usage = measured.usage[name]
    return ContestantResult(
        name=name,
        seconds=seconds,
        rate=amount / seconds.median,
        warm_up=measured.warm_up[name],
        memory=usage.memory,
        device_memory=usage.device_memory,
        facts={**measured.facts[name], **medians},
    )


def _ratios(
    case: Case, facts: Mapping[str, Facts], turns: Mapping[str, Sequence[Turn]]
) -> tuple[RatioResult, ...]:
    return tuple(
        _ratio(comparison, turns)
        for comparison in case.comparisons(facts)
        if comparison.slower in turns and comparison.faster in turns
    )


def _limit(limit: Limit, measured: Measured) -> LimitResult:
    turns, constant = measured.turns[limit.name], measured.facts[limit.name]
    values = [
        turn.seconds if limit.fact == "seconds" else {**constant, **turn.facts}[limit.fact]
        for turn in turns
    ]
    return LimitResult(
        name=limit.name,
        fact=limit.fact,
        value=spread(values),
        at_least=limit.at_least,
        at_most=limit.at_most,
    )


def _ratio(comparison: Comparison, turns: Mapping[str, Sequence[Turn]]) -> RatioResult:
    slower, faster = (
        [t.seconds for t in turns[name]] for name in (comparison.slower, comparison.faster)
    )
    return RatioResult(
        slower=comparison.slower,
        faster=comparison.faster,
        ratio=ratio(slower, faster),
        at_least=comparison.at_least,
        at_most=comparison.at_most,
    )


def read(path: Path = FOUND) -> Results:
    """Return recorded results; none if there is no such file."""
    return Results.model_validate_json(path.read_text()) if path.exists() else Results()
