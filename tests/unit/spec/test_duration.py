from __future__ import annotations

import pytest
from hypothesis import given
from pydantic import BaseModel, ValidationError

from eqspec.spec.duration import Clock, Duration, PositiveDuration
from tests.strategies import durations


class Holder(BaseModel):
    it: Duration
    some: PositiveDuration = Duration(1, "epochs")


@given(durations)
def test_a_duration_comes_back_from_its_text_and_from_json(duration: Duration):
    assert Duration.parse(str(duration)) == duration
    holder = Holder(it=duration)
    assert Holder.model_validate_json(holder.model_dump_json(), strict=True) == holder


@pytest.mark.parametrize(
    ("text", "duration", "canonical"),
    [
        ("800 epochs", Duration(800, "epochs"), "800 epochs"),
        ("1 epochs", Duration(1, "epochs"), "1 epoch"),
        ("20  step", Duration(20, "steps"), "20 steps"),
        (" 65536 samples ", Duration(65536, "samples"), "65536 samples"),
        ("0 epochs", Duration(0, "epochs"), "0 epochs"),
    ],
)
def test_singular_and_plural_mean_the_same(text: str, duration: Duration, canonical: str):
    assert Duration.parse(text) == duration
    assert str(duration) == canonical


@pytest.mark.parametrize(
    "text", ["", "4096", "10epochs", "-1 steps", "1.5 epochs", "10 days", "٣ steps"]
)
def test_anything_else_is_no_duration(text: str):
    with pytest.raises(ValueError, match="is not a duration"):
        Duration.parse(text)


@pytest.mark.parametrize("value", [4096, "512", True, None, 1.5, ["10 epochs"]])
def test_pydantic_refuses_what_has_no_unit(value: object):
    with pytest.raises(ValidationError):
        Holder.model_validate({"it": value})


def test_a_duration_that_must_be_positive_is():
    with pytest.raises(ValidationError, match="must be positive"):
        Holder.model_validate({"it": "0 steps", "some": "0 steps"})
    with pytest.raises(ValueError, match="not a duration"):
        Duration(-1, "steps")


def test_its_json_schema_is_a_text_with_a_pattern():
    assert Holder.model_json_schema()["properties"]["it"]["type"] == "string"


def test_a_clock_turns_every_unit_into_steps():
    clock = Clock.lasting(Duration.parse("3 epochs"), steps_per_epoch=7, batch=64)
    assert clock == Clock(total=21, steps_per_epoch=7, batch=64)
    assert clock.steps(Duration.parse("5 steps")) == 5
    assert clock.steps(Duration.parse("2 epochs")) == 14
    assert clock.steps(Duration.parse("128 samples")) == 2
    assert clock.steps(Duration.parse("129 samples")) == 3
