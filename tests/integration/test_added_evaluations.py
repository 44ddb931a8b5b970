"""Evaluations added with `eqspec eval --use`: damaged results are repeated, and audited."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest

from eqspec.runs.folder import RunFolder
from tests.command_line import Answer
from tests.trained_runs import Runs, reseal

if TYPE_CHECKING:
    from pathlib import Path

ADDED = ("--use", "effective-rank", "--set", "evaluate.0.with.images=16")
"""An evaluation whose id no card gives, because of its override."""


@pytest.fixture
def run(copied: Runs) -> Runs:
    answer = copied.ask("eval", copied.name(), *ADDED)
    assert answer.status == 0, answer.err
    return copied


def edit(run: Runs) -> Path:
    """Change the values of the added result after training."""
    (path,) = run.folder().glob("evaluations/effective-rank-*.step-4.json")
    stored = json.loads(path.read_text())
    for metric in stored["metrics"]:
        metric["value"] = 0.5
    path.write_text(json.dumps(stored))
    return path


def follow(run: Runs, answer: Answer) -> Answer:
    """Run the command that the help line of an error gives."""
    advice = re.search(r"`eqspec (eval [^`]+)`", " ".join(answer.err.split()))
    assert advice is not None, answer.err
    return run.ask(*shlex.split(advice[1]))


def test_an_added_result_without_its_plan_is_repeated_by_its_card(copied: Runs) -> None:
    """Folders of earlier versions have no `evaluations/plans`."""
    assert copied.ask("eval", copied.name(), "--use", "effective-rank").status == 0
    shutil.rmtree(copied.folder() / "evaluations" / "plans")
    reseal(copied.folder())
    (result,) = copied.folder().glob("evaluations/effective-rank-*.step-4.json")
    before = result.read_bytes()
    edit(copied)
    healed = follow(copied, copied.ask("show", copied.name()))
    assert healed.status == 0, healed.err
    assert result.read_bytes() == before
    assert copied.ask("show", copied.name()).status == 0


@pytest.mark.parametrize("command", ["show", "run"])
@pytest.mark.parametrize("record", ["sealed", "removed"])
def test_following_the_advice_repeats_a_damaged_result(
    run: Runs, command: str, record: str
) -> None:
    before = {p.name: p.read_bytes() for p in run.folder().glob("evaluations/*.json")}
    edited = edit(run)
    if record == "removed":
        (run.folder() / "record.json").unlink()
    refused = run.ask(command, str(run.folder()))
    assert refused.status == 3
    assert edited.name in refused.err
    healed = follow(run, refused)
    assert healed.status == 0, healed.err
    assert {p.name: p.read_bytes() for p in run.folder().glob("evaluations/*.json")} == before
    assert run.ask("run", str(run.folder())).status == 0
    assert RunFolder(run.folder()).verify() == ()
    assert run.ask("show", str(run.folder())).status == 0


def test_audit_suggests_the_command_that_repeats_a_damaged_result(run: Runs) -> None:
    edit(run)
    audited = run.ask("audit", run.name(), "--level", "L0")
    assert audited.status == 3
    assert audited.last.startswith(f"next: eqspec eval {run.folder()}")
    assert run.ask(*shlex.split(audited.last)[2:]).status == 0
    assert run.ask("audit", run.name(), "--level", "L0").status == 0


def test_an_audit_repeats_an_added_evaluation(run: Runs) -> None:
    findings = run.ask("audit", run.name(), "--level", "L4", "--json").data["findings"]
    found = [f for f in findings if f["about"].startswith("effective-rank")]
    assert [f["holds"] for f in found] == [True, True]


def test_an_unsealed_run_is_said_to_be_unsealed(run: Runs) -> None:
    (run.folder() / "record.json").unlink()
    answer = run.ask("eval", run.name())
    assert answer.status == 0
    assert "`record.json` is missing, so the folder was not sealed" in answer.err
