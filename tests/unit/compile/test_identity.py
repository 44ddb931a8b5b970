from __future__ import annotations

import pytest

from eqspec.compile.identity import folder_name, hashed


def test_the_hash_is_of_what_is_meant() -> None:
    assert hashed({"a": 1, "b": [1.0, {"c": 2, "d": None}]}) == hashed(
        {"b": [1, {"d": None, "c": 2.0}], "a": 1.0}
    )


@pytest.mark.parametrize("other", [{"a": 2}, {"a": True}, {"a": "1"}, {"a": [1]}, {"b": 1}, {}])
def test_anything_else_has_another_hash(other: dict[str, object]) -> None:
    assert hashed(other) != hashed({"a": 1})


def test_the_hash_is_the_same_on_every_machine() -> None:
    """Known answer: SHA-256 of ``{"a":1,"b":[0.1,"ä"]}``, with the ä escaped as JSON does."""
    known = "7d6509e34680b8edd56744f8eb46ff71eb66b70a799d1cf7ea781e29cef52814"
    assert hashed({"b": [0.1, "ä"], "a": 1.0}) == known


def test_a_number_that_is_none_has_no_hash() -> None:
    with pytest.raises(ValueError, match="JSON"):
        hashed({"a": float("nan")})


def test_a_folder_is_named_after_recipe_and_seed() -> None:
    assert folder_name("0123456789abcdef", seed=3) == "01234567-s3"
