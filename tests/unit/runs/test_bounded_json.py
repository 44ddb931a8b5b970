"""JSON that strangers wrote: refused before anything that reads it further can fail."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eqspec.runs.bounded_json import MAX_DEPTH, parsed_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_what_eqspec_could_write_is_read(value: object) -> None:
    assert parsed_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    "text",
    ["NaN", "[Infinity]", "1e999", "9" * 20, '{"a": -' + "9" * 400 + "}", "9" * 10_000, "[1,]", ""],
    ids=lambda text: f"{text[:12]}-{len(text)}",
)
def test_numbers_that_nothing_holds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed_json(text)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 190, 100_000])
def test_depth_is_bounded(depth: int) -> None:
    assert parsed_json("[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH)
    with pytest.raises(ValueError, match=r"deep|recursion"):
        parsed_json("[" * depth + "1" + "]" * depth)
