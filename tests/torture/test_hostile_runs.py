"""Everything that strangers can do to a run folder, met by every command that looks at one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hostile_files import HARMS
from tests.hostile_runs import beside_a_good_one, need_met, whole_run, within

if TYPE_CHECKING:
    from tests.torture.conftest import Tally

pytestmark = [pytest.mark.slow, pytest.mark.torture]


def test_run_folders_of_strangers(
    tally: Tally, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    two = tmp_path / "two" / "runs"
    for name in ("good", "bad"):
        whole_run(two, name=name)
    for name in list(HARMS)[:: request.config.getoption("--torture-every")]:
        (tmp_path / name).mkdir()
        folder = beside_a_good_one(two, tmp_path / name)
        with tally.case("hostile run folders", name), within(60):
            HARMS[name](folder)
            need_met(name, folder)
