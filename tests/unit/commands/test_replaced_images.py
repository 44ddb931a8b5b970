"""Sentences about replaced images are right in number."""

from __future__ import annotations

from eqspec.commands.audit.replaced_images import replaced_phrase


def test_one_was_replaced_and_two_were() -> None:
    assert replaced_phrase(["a.png"]) == ("1 could not be decoded and was replaced, as here: a.png")
    assert replaced_phrase(["a.png", "b.png"]).startswith(
        "2 could not be decoded and were replaced, as here: a.png, b.png"
    )
