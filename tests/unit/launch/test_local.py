"""Tests that of several processes that failed, the one that was the cause is reported."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from eqspec.launch import local
from eqspec.launch.local import Ended

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

LOST, STOPPED = 75, -signal.SIGTERM


@dataclass
class Failure:
    exitcode: int
    timestamp: int = 0


def first(*failures: Failure) -> Ended:
    return local._first(cast("Mapping[int, ProcessFailure]", dict(enumerate(failures))))


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        # Rank 1 has an error of its own; the others lost it, or were stopped for it.
        ((Failure(LOST), Failure(3), Failure(STOPPED)), Ended(3, rank=1)),
        ((Failure(143), Failure(2)), Ended(2, rank=1)),
        ((Failure(1, timestamp=9), Failure(2, timestamp=4)), Ended(2, rank=1)),
        ((Failure(LOST), Failure(-9)), Ended(137, rank=1, killed=signal.SIGKILL)),
        ((Failure(LOST), Failure(LOST)), Ended(LOST, rank=0)),
        ((Failure(130), Failure(130)), Ended(130, rank=0)),
    ],
)
def test_the_cause(failures: tuple[Failure, ...], expected: Ended) -> None:
    assert first(*failures) == expected


def test_a_restart_may_help_only_what_did_not_end_by_itself() -> None:
    assert Ended(137, rank=1, killed=signal.SIGKILL).lost
    assert Ended(LOST, rank=0).lost
    assert not Ended(1, rank=0).lost, "the same error would come again"
    assert not Ended(130, rank=0).lost, "the user has stopped it"
