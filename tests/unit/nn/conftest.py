"""Fixture of two gloo ranks that live as long as the test session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ranks import TwoRanks, started_ranks

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoRanks]:
    """Two processes, started once."""
    with started_ranks(tmp_path_factory.mktemp("ranks")) as ranks:
        yield ranks
