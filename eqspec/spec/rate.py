"""Learning rates that follow the batch: `1.0e-4 per 256`, `4.0e-3 per sqrt 1024`, or neither."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

Rule = Literal["constant", "linear", "sqrt"]

_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_FORM = re.compile(rf"({_NUMBER}) +per +(sqrt +)?([1-9][0-9]{{0,8}})")
_PATTERN = rf"^{_NUMBER} +per +(sqrt +)?[1-9][0-9]*$"
_EXPECTED = "a rate such as `1.0e-4 per 256`, `4.0e-3 per sqrt 1024` or `0.001`"


@dataclass(frozen=True, slots=True)
class Rate:
    """A learning rate and the rule by which it follows the global batch.

    Attributes:
        value: the rate itself, at batch ``per``; 0 or more.
        per: the batch size at which ``value`` applies; 1 for a constant rate.
        rule: ``constant``, ``linear`` (value · B/per) or ``sqrt`` (value · √(B/per)).
    """

    value: float
    per: int = 1
    rule: Rule = "constant"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value >= 0 and self.per >= 1):
            raise ValueError(f"not a rate: {self.value} per {self.per}")

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read ``'1.0e-4 per 256'`` or ``'4.0e-3 per sqrt 1024'``.

        Raises:
            ValueError: when the text is not a rate.
        """
        found = _FORM.fullmatch(text.strip())
        if found is None or not math.isfinite(float(found[1])):
            raise ValueError(
                f"`{text}` is not a rate: write `1.0e-4 per 256` or `4.0e-3 per sqrt 1024`"
            )
        return cls(float(found[1]), int(found[3]), "sqrt" if found[2] else "linear")

    def at(self, batch: int) -> float:
        """The rate at a global batch of this many images."""
        if self.rule == "linear":
            return self.value * batch / self.per
        if self.rule == "sqrt":
            return self.value * math.sqrt(batch / self.per)
        return self.value

    def __str__(self) -> str:
        if self.rule == "constant":
            return repr(self.value)
        return f"{self.value!r} per {'sqrt ' if self.rule == 'sqrt' else ''}{self.per}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls,
        source: Any,  # noqa: ANN401 - pydantic's protocol
        handler: GetCoreSchemaHandler,
    ) -> core_schema.CoreSchema:
        """A number when constant, otherwise a string."""
        return core_schema.no_info_plain_validator_function(
            _rate, serialization=core_schema.plain_serializer_function_ser_schema(_written)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """A number or a string with a pattern, for editors."""
        return {
            "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _PATTERN}]
        }


def _written(rate: Rate) -> float | str:
    return rate.value if rate.rule == "constant" else str(rate)


def _rate(value: object) -> Rate:
    if isinstance(value, Rate):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise PydanticCustomError("rate_type", "not a rate", {"expected": _EXPECTED})
    try:
        return Rate.parse(value) if isinstance(value, str) else Rate(float(value))
    except ValueError as error:
        raise PydanticCustomError("rate", "{problem}", {"problem": str(error)}) from None
