from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("kill_everywhere.py")
FEWEST = {"save": 12, "save-again": 10, "create": 10, "seal-again": 10, "rewind": 3}
"""Kills per scenario: with fewer, they would miss the operations they are for."""


def test_a_kill_at_any_file_operation_leaves_a_folder_that_can_go_on(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kills = json.loads(done.stdout)
    assert kills.keys() == FEWEST.keys()
    assert all(kills[name] >= fewest for name, fewest in FEWEST.items()), kills
