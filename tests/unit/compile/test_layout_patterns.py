"""Patterns of layouts end soon, on any name; what could take for ever is refused with its card."""

from __future__ import annotations

import re
import time

import pytest

from eqspec.errors import SpecError
from eqspec.registry.cards import LayoutCard
from eqspec.registry.catalog import open_catalog, read_card
from eqspec.registry.patterns import LONGEST_NAME, need_pattern, need_replacement

ENDLESS = (
    "(a+)+$",
    "(a*)*b",
    "(a|a)+$",
    "((a?)+)+$",
    "a?a?a?a?a?a?aaaaaa",
    ".*.*.*x",
    r"(.*)\1+",
    "(?=a+)+",
    "a{1000}{1000}",
    "(a|b|c|d|e|f|g)",
    "[a-z]++",
    "(" * 200 + ")" * 200 + "x" * 200,
)


@pytest.mark.parametrize("text", ENDLESS, ids=lambda text: text[:12])
def test_what_may_never_end_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        need_pattern(text)


@pytest.mark.parametrize("text", ["(a", "a)", "[", "*a", "a**", "a|?", "\\", "[z-a]"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        need_pattern(text)


def test_the_worst_that_is_allowed_ends_soon() -> None:
    name = "a" * LONGEST_NAME
    began = time.process_time()
    for text in (".*a?a?.*a?a?x", "(a|a).*(a|a).*(a|a)(a|a)x", "^.*a.*ax"):
        need_pattern(text)
        assert re.fullmatch(text, name) is None
    need_replacement(".*a?a?x", "")
    re.sub(".*a?a?x", "", name)
    assert time.process_time() - began < 2


def test_a_replacement_names_groups_that_are_there() -> None:
    need_replacement(r"^blocks[.]\d+[.](\d+)[.]", r"blocks.\1.")
    for text in (r"\2", r"\0", r"\g<9>", "\\", r"\99999"):
        with pytest.raises(ValueError, match="groups"):
            need_replacement("(a)b", text)
    with pytest.raises(ValueError, match="begin with"):
        need_replacement(".*a.*", "")


def test_every_layout_that_ships_is_bounded() -> None:
    catalog = open_catalog()
    cards = [catalog.card(LayoutCard, name).model for name in catalog.names("layouts")]
    assert len(cards) > 5
    assert all(isinstance(card, LayoutCard) for card in cards)


def test_a_card_says_which_pattern_is_wrong_and_where() -> None:
    text = """\
card: layout
rev: 1
about: Names that nobody has.
source: nowhere at all
known_by: ["(a+)+$"]
parts: {encoder: ""}
"""
    with pytest.raises(SpecError) as caught:
        read_card(LayoutCard, text, name="endless", file="endless.yaml")
    (found,) = caught.value.diagnostics
    assert "`(a+)+$`" in found.message
    assert found.location is not None
    assert found.location.line == 5
