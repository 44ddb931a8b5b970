from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
FEWEST = {
    "save": 20,
    "save-again": 18,
    "create": 25,
    "seal": 15,
    "seal-again": 15,
    "go-on": 16,
    "rewind": 3,
}
"""Kills per scenario: with fewer, they would miss the events they are for."""


def test_a_kill_or_a_fault_at_any_file_event_leaves_a_folder_that_can_go_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.unit.runs.kill_everywhere", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tried = json.loads(done.stdout)
    assert tried.keys() == FEWEST.keys()
    for name, fewest in FEWEST.items():
        assert all(count >= fewest for count in tried[name].values()), tried
