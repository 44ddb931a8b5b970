"""Durations: `800 epochs`, `20 steps`, `65536 samples`; a bare number is refused."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

Unit = Literal["steps", "epochs", "samples"]

_UNITS: tuple[Unit, ...] = get_args(Unit)
_FORM = re.compile(r"([0-9]{1,15}) +(step|epoch|sample)s?")
_PATTERN = r"^[0-9]+ +(step|epoch|sample)s?$"


@dataclass(frozen=True, slots=True)
class Duration:
    """An amount of training with its unit: epochs, steps or samples.

    Attributes:
        amount: how many, 0 or more.
        unit: optimizer steps, passes over the data (epochs), or images seen (samples).
    """

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.amount < 0 or self.unit not in _UNITS:
            raise ValueError(f"not a duration: {self.amount} {self.unit}")

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read ``'10 epochs'``; the singular is fine.

        Raises:
            ValueError: when the text is not a duration.
        """
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise ValueError(
                f"`{text}` is not a duration: write `10 epochs`, `20 steps` or `65536 samples`"
            )
        amount, unit = found.groups()
        return cls(int(amount), next(u for u in _UNITS if u.startswith(unit)))

    def __str__(self) -> str:
        return f"{self.amount} {self.unit.removesuffix('s') if self.amount == 1 else self.unit}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls,
        source: Any,  # noqa: ANN401 - pydantic's protocol
        handler: GetCoreSchemaHandler,
    ) -> core_schema.CoreSchema:
        """A string in JSON and YAML."""
        return core_schema.no_info_plain_validator_function(
            _duration, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """A string with a pattern, for editors."""
        return {"type": "string", "pattern": _PATTERN, "examples": ["10 epochs"]}


def _duration(value: object) -> Duration:
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):
        help_ = _which(value) if isinstance(value, int) and not isinstance(value, bool) else None
        context = {"expected": "a duration such as `10 epochs`", "help": help_}
        raise PydanticCustomError("duration_type", "not a duration", context)
    try:
        return Duration.parse(value)
    except ValueError as error:
        help_ = _which(int(value)) if value.isascii() and value.isdecimal() else None
        raise PydanticCustomError(
            "duration", "{problem}", {"problem": str(error), "help": help_}
        ) from None


def _which(amount: int) -> str:
    return f"add a unit: `{amount} steps`, `{amount} epochs` or `{amount} samples`"


def _lasts(duration: Duration) -> Duration:
    if duration.amount == 0:
        raise PydanticCustomError(
            "duration", "`{it}` is empty: it must be positive", {"it": str(duration)}
        )
    return duration


if TYPE_CHECKING:
    PositiveDuration = Duration
else:
    PositiveDuration = Annotated[Duration, AfterValidator(_lasts)]


@dataclass(frozen=True, slots=True)
class Clock:
    """Conversion of durations to optimizer steps.

    Attributes:
        total: steps of the whole training.
        steps_per_epoch: complete batches in one pass over the data.
        batch: images per step, over all devices.
    """

    total: int
    steps_per_epoch: int
    batch: int

    @classmethod
    def lasting(cls, length: Duration, *, steps_per_epoch: int, batch: int) -> Clock:
        """The clock of a training that lasts ``length``."""
        total = cls(0, steps_per_epoch, batch).steps(length)
        return cls(total, steps_per_epoch, batch)

    def steps(self, duration: Duration) -> int:
        """A duration in steps; samples that fill no whole batch count as one more step."""
        if duration.unit == "epochs":
            return duration.amount * self.steps_per_epoch
        if duration.unit == "samples":
            return math.ceil(duration.amount / self.batch)
        return duration.amount
