from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eqspec.compile.types.plan import KeepPlan
from eqspec.runs.retention import removable

rules = st.builds(KeepPlan, last=st.integers(1, 4), every=st.none() | st.integers(1, 20))
saved = st.sets(st.integers(0, 100), max_size=12)


@pytest.mark.parametrize(
    ("keep", "gone"),
    [
        (KeepPlan(), (10, 20, 30)),
        (KeepPlan(last=1), (10, 20, 30, 40)),
        (KeepPlan(last=9), ()),
        (KeepPlan(last=1, every=20), (10, 30)),
        (KeepPlan(last=2, every=15), (10, 20)),
    ],
)
def test_the_newest_stay_and_those_of_round_steps(keep: KeepPlan, gone: tuple[int, ...]) -> None:
    assert removable((50, 30, 10, 20, 40), keep=keep) == gone


@given(saved=saved, keep=rules)
def test_no_rule_takes_the_newest_ones_nor_those_that_stay_for_good(
    saved: set[int], keep: KeepPlan
) -> None:
    gone = set(removable(saved, keep=keep))
    stay = saved - gone
    assert len(stay) >= min(keep.last, len(saved))
    assert not gone or max(gone) < max(stay)
    assert keep.every is None or all(step % keep.every for step in gone)
    assert removable(stay, keep=keep) == ()


def test_a_rule_that_keeps_nothing_is_none() -> None:
    with pytest.raises(ValidationError, match="last"):
        KeepPlan(last=0)
