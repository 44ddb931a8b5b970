from __future__ import annotations

import pytest
import yaml

from eqspec.spec.dump import write_yaml
from eqspec.spec.source import read_yaml


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "on",
        "1e-3",
        "0o17",
        "010",
        "12:30:00",
        "null",
        "~",
        "",
        "=",
        "<<",
        "1_0",
        "2026-11-22",
    ],
)
def test_texts_stay_texts_for_readers_of_1_1_and_of_1_2(text: str):
    written = write_yaml({text: text})
    assert read_yaml(written, name="a.yaml").data == {text: text}
    assert yaml.load(written, Loader=yaml.SafeLoader) == {text: text}  # noqa: TID251 - a foreign reader


@pytest.mark.parametrize(
    "text", ["a\x85b", "\u2028", "\r\n", "\ufeff", "\x00", "😀", " a ", "a: b #c", "\t"]
)
def test_odd_letters_come_back(text: str):
    assert read_yaml(write_yaml([text]), name="a.yaml").data == [text]


def test_order_is_kept_and_small_things_stand_on_one_line():
    assert write_yaml({"b": {"x": 1e-5, "y": "λ"}, "a": [1, {"c": 2}]}) == (
        "b: {x: 1.0e-05, y: λ}\na:\n- 1\n- {c: 2}\n"
    )


def test_what_stands_twice_is_written_twice():
    shared = [1]
    assert write_yaml({"a": shared, "b": shared}) == "a: [1]\nb: [1]\n"
