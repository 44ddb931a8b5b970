"""Finished runs, made once for all tests that look at some."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.trained_runs import Runs, train_runs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The runs themselves; only looked at."""
    return train_runs(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def copied(finished: Runs, tmp_path: Path) -> Runs:
    """A copy that may be damaged."""
    shutil.copytree(finished.root, tmp_path / "runs")
    return Runs(tmp_path / "runs")
