from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from pydantic import BaseModel, ValidationError

from eqspec.spec.rate import Rate
from tests.strategies import rates


class Holder(BaseModel):
    lr: Rate


@given(rates)
def test_a_rate_comes_back_from_json(rate: Rate):
    holder = Holder(lr=rate)
    assert Holder.model_validate_json(holder.model_dump_json(), strict=True) == holder


def test_the_rules():
    assert Rate.parse("1.0e-4 per 256").at(2048) == pytest.approx(8e-4)
    assert Rate.parse("4.0e-3 per sqrt 1024").at(2048) == pytest.approx(4e-3 * math.sqrt(2))
    assert Rate(0.001).at(2048) == 0.001


@pytest.mark.parametrize(
    ("written", "rate", "dumped"),
    [
        ("1.0e-4 per 256", Rate(1e-4, 256, "linear"), "0.0001 per 256"),
        ("4e-3 per sqrt 1024", Rate(4e-3, 1024, "sqrt"), "0.004 per sqrt 1024"),
        (0.001, Rate(0.001), 0.001),
        (1, Rate(1.0), 1.0),
    ],
)
def test_how_rates_are_written(written: object, rate: Rate, dumped: object):
    holder = Holder.model_validate({"lr": written})
    assert holder.lr == rate
    assert json.loads(holder.model_dump_json()) == {"lr": dumped}
    assert str(rate) == str(dumped)


@pytest.mark.parametrize(
    "written",
    ["0.001", "1e-3 per", "1e-3 per 0", "1e-3 per cube 8", "-1 per 256", "1e999 per 2", -0.1],
)
def test_other_texts_and_numbers_are_no_rates(written: object):
    with pytest.raises(ValidationError, match="not a rate"):
        Holder.model_validate({"lr": written})


@pytest.mark.parametrize("written", [True, None, [1], {"impl": "cosine"}])
def test_other_kinds_are_no_rates(written: object):
    with pytest.raises(ValidationError):
        Holder.model_validate({"lr": written})


def test_its_json_schema_is_a_number_or_a_text():
    kinds = [k["type"] for k in Holder.model_json_schema()["properties"]["lr"]["anyOf"]]
    assert kinds == ["number", "string"]
