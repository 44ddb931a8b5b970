"""A run is killed, or denied the disk, at each of its file events in turn; nothing is ever lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fault_injection import How
from tests.toy_specs import short_toy

if TYPE_CHECKING:
    from tests.torture.conftest import Tally

pytestmark = [pytest.mark.slow, pytest.mark.torture]
ROOT = Path(__file__).parents[2]
KINDS = {
    How.KILL: "kills",
    How.TORN: "kills in the middle of a write",
    How.EIO: "I/O errors",
    How.FULL: "full disks",
}


@pytest.mark.parametrize("how", KINDS)
def test_the_same_command_finishes_a_run(how: How, tmp_path: Path, tally: Tally, request) -> None:
    spec = tmp_path / "toy.yaml"
    spec.write_text(short_toy())
    every = str(request.config.getoption("--torture-every"))
    command = [sys.executable, "-m", "tests.interrupted_runs", spec, tmp_path / "scratch", how]
    done = subprocess.run(
        [*map(str, command), "--every", every],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    failures = {name: "\n".join(why) for name, why in found["failures"].items()}
    tally.add(KINDS[how], tried=found["tried"], failures=failures)
