"""Ctrl-C where no run catches it: in the loader's processes, and before a run has begun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.toy_specs import toy_text

ROOT = Path(__file__).parents[2]
BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 8, depth: 1, heads: 1}}"
)


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "toy.yaml"
    text = toy_text("vicreg", backbone=BACKBONE, batch=4)
    path.write_text(text + 'machine: {compile: "off"}\n')
    return str(path)


LOADING = """
import multiprocessing, os, sys
from eqspec.cli.main import main
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    os.setpgrp()
    sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_ctrl_c_in_a_terminal_reaches_workers_without_a_traceback(
    spec: str, tmp_path: Path, method: str
) -> None:
    script = tmp_path / "loading.py"
    script.write_text(LOADING)
    argv = [spec, "--runs", str(tmp_path / "kept"), "--set", "machine.workers=2"]
    length = ("--set", "train.length=1000000 steps")
    command = [sys.executable, str(script), method, "run", *argv, *length]
    reported: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            reported.append(line)
            if "1,000,000 steps in" in line:  # which may be wrapped after it
                time.sleep(0.3)  # spawned workers are then still importing
                os.killpg(child.pid, signal.SIGINT)
    assert child.returncode == 130, reported
    assert "Traceback" not in "".join(reported)
    assert reported[-2].startswith("toy: stopped after step ")


def test_ctrl_c_while_torch_is_imported_is_met_with_a_word(spec: str) -> None:
    code = """
import sys
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from eqspec.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
    command = [sys.executable, "-c", code, "run", spec]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-2:] == ["Stopped.", f"next: eqspec run {spec}"]
