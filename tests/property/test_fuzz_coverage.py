"""How much of `eqspec.spec` the fuzz corpus alone walks through: at least 95 % of its branches.

The corpus is made of the laws of test_spec_loading and test_spec_damage, none of the unit tests.
It is measured in a process of its own, so that nothing is counted that importing the package for
other tests has run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORPUS = ("tests/property/test_spec_loading.py", "tests/property/test_spec_damage.py")
LEAST = 95.0
"""Per cent of branches."""


@pytest.mark.slow
def test_the_corpus_covers_the_reading_of_specs(tmp_path: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTEST"))}  # noqa: TID251 - for a process
    environment = {**kept, "HYPOTHESIS_PROFILE": "dev", "COVERAGE_FILE": str(tmp_path / "data")}

    def coverage(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "coverage", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    options = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", *CORPUS)
    ran = coverage("run", "--branch", "--source=eqspec.spec", "-m", "pytest", *options)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    message = coverage("json", "-o", str(tmp_path / "report.json"))
    assert message.returncode == 0, message.stdout + message.stderr
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    totals = report["totals"]
    branches = 100 * totals["covered_branches"] / totals["num_branches"]
    missed = {
        name: file["missing_branches"]
        for name, file in report["files"].items()
        if file["missing_branches"]
    }
    assert branches >= LEAST, f"{branches:.1f} % of the branches; missed: {missed}"
