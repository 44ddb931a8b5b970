"""`eqspec audit --level L4`: repeated evaluations; a number that was edited and sealed again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from eqspec.cli.main import main
from eqspec.runs.folder import RunFolder
from tests.command_line import Answer
from tests.toy_specs import PATH, short_toy, toy_text
from tests.trained_runs import BACKBONE, Runs, reseal

KEEPING = """\
evaluate: [{use: effective-rank, every: 2 steps}]
keep: {last: 1}
machine: {compile: "off"}
"""

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FALSE = 0.98765


def result(runs: Runs) -> Path:
    (path,) = runs.folder().glob("evaluations/*.step-4.json")
    return path


def edit(path: Path, *, to: float) -> float:
    """Edits the first value of a stored result; returns what it was."""
    stored = json.loads(path.read_text())
    was = stored["metrics"][0]["value"]
    stored["metrics"][0]["value"] = to
    path.write_text(json.dumps(stored, indent=2))
    return was


def results_of(answer: Answer) -> dict[str, Any]:
    return {f["about"]: f for f in answer.data["findings"] if f["level"] == "L4"}


def test_every_result_is_made_again_bit_for_bit_and_nothing_written(copied: Runs) -> None:
    more = ("eval", copied.name(), "--use", "effective-rank")
    assert copied.ask(*more).status == 0
    before = {p: p.stat().st_mtime_ns for p in copied.folder().rglob("*") if p.is_file()}
    answer = copied.ask("audit", copied.name(), "--level", "L4", "--json")
    assert (answer.status, answer.data["levels"]["L4"]) == (0, True), answer.out
    found = results_of(answer)
    assert {name.rpartition("-")[0].rpartition("-")[0] for name in found} == {
        "r2",
        "effective-rank",
        "",  # the floors of its path
    }
    assert len(found) == 5
    assert all("the same bit for bit" in one["message"] for one in found.values())
    after = {p: p.stat().st_mtime_ns for p in copied.folder().rglob("*") if p.is_file()}
    assert {p.name for p in after if before.get(p) != after[p]} <= {"lock"}


def test_an_edited_number_that_was_sealed_again_is_found(copied: Runs) -> None:
    was = edit(result(copied), to=FALSE)
    reseal(copied.folder())
    assert RunFolder(copied.folder()).verify() == ()
    answer = copied.ask("audit", copied.name(), "--level", "L4", "--json")
    assert answer.status == 3
    assert answer.data["levels"] == {"L0": True, "L1": True, "L2": True, "L4": False}
    (gap,) = results_of(answer)[result(copied).stem]["disagreements"]
    assert (gap["recorded"], gap["here"]) == (repr(FALSE), repr(was))
    page = " ".join(copied.ask("audit", copied.name(), "--level", "L4").out.split())
    shown = page.partition(f"{result(copied).stem} recorded here")[2].partition("sealings")[0]
    assert "0.98" in shown
    assert f"{was:.3f}" in shown
    assert "the record was missing" in page


def edit_environment(copied: Runs, change: Callable[[dict[str, Any]], object]) -> None:
    path = copied.folder() / "environment.json"
    environment = json.loads(path.read_text())
    change(environment)
    path.write_text(json.dumps(environment))


def test_a_compiled_run_has_the_same_results_everywhere(copied: Runs) -> None:
    """Evaluations use no compiled code, so that no rounding excuses another number."""
    edit_environment(copied, lambda found: found.update(compiled=True))
    edit(result(copied), to=edit(result(copied), to=0.0) + 0.001)
    reseal(copied.folder())
    answer = copied.ask("audit", copied.name(), "--level", "L4", "--json")
    assert results_of(answer)[result(copied).stem]["holds"] is False


def test_elsewhere_rounding_is_allowed_for_and_no_more(copied: Runs) -> None:
    edit_environment(copied, lambda found: found["packages"].update(numpy="1.0"))
    was = edit(result(copied), to=0.0)
    for gap, holds in ((0.001, True), (0.03, False)):
        edit(result(copied), to=was + gap)
        reseal(copied.folder())
        answer = copied.ask("audit", copied.name(), "--level", "L4", "--json")
        found = results_of(answer)[result(copied).stem]
        assert found["holds"] is holds, found
        assert "0.02" in found["message"]


def test_what_has_no_checkpoint_any_more_is_not_checked_and_said(copied: Runs) -> None:
    for path in copied.folder().glob("checkpoints/step-00000004*"):
        path.unlink()
    answer = copied.ask("audit", copied.name(), "--level", "L4", "--json")
    assert answer.status == 3
    found = results_of(answer)
    assert found[result(copied).stem]["holds"] is None
    assert "the checkpoint of step 4 is gone" in found[result(copied).stem]["message"]
    (before,) = (one for name, one in found.items() if name.endswith(".step-0"))
    assert before["holds"] is True


@pytest.fixture
def keeping(copied: Runs) -> Runs:
    """A run with results of steps 0, 2 and 4, and the checkpoint of step 4 alone."""
    spec = copied.root / "keeping.yaml"
    spec.write_text(toy_text("vicreg", equivariance=PATH, backbone=BACKBONE, extra=KEEPING))
    assert copied.ask("run", str(spec)).status == 0
    return copied


def test_a_result_whose_checkpoint_the_spec_does_not_keep_fails_no_audit(keeping: Runs) -> None:
    answer = keeping.ask("audit", "keeping", "--level", "L4", "--json")
    found = {name: one for name, one in results_of(answer).items() if name.endswith(".step-2")}
    (after_two,) = found.values()
    assert after_two["holds"] is None
    assert "step 2 was removed, as `keep:` of the spec wants it" in after_two["message"]
    assert (answer.status, answer.data["levels"]["L4"]) == (0, True)
    page = keeping.ask("audit", "keeping", "--level", "L4")
    assert page.status == 0
    assert re.search(r"effective-rank-\w+\.step-2 +not kept", page.out)
    assert page.last.startswith("next: eqspec show")


def test_a_checkpoint_that_the_spec_keeps_and_that_is_gone_fails_an_audit(keeping: Runs) -> None:
    for path in keeping.folder("keeping").glob("checkpoints/*"):
        path.unlink()
    reseal(keeping.folder("keeping"))
    answer = keeping.ask("audit", "keeping", "--level", "L4", "--json")
    assert (answer.status, answer.data["levels"]["L4"]) == (3, None)
    assert {one["counts"] for one in results_of(answer).values()} == {True}


def test_tells_every_sealing(copied: Runs) -> None:
    assert copied.ask("eval", copied.name(), "--use", "effective-rank").status == 0
    data = copied.ask("audit", copied.name(), "--level", "L0", "--json").data["sealings"]
    assert [(one["action"], one["record_missing"]) for one in data] == [
        ("run", False),
        ("eval", False),
    ]
    assert all("effective-rank" in name for name in data[1]["added"])
    page = copied.ask("audit", copied.name(), "--level", "L0").out
    assert "sealings" in page
    assert "added evaluations/effective-rank-" in " ".join(page.split())


@pytest.mark.parametrize("level", ["L0", "L1"])
def test_a_folder_for_data_that_the_run_does_not_read_is_refused(
    copied: Runs, tmp_path: Path, level: str
) -> None:
    answer = copied.ask("audit", copied.name(), "--level", level, "--data", f"cifar10={tmp_path}")
    assert answer.status == 2
    assert "the location of `cifar10`" in answer.err
    assert "these are read: photos" in answer.err


def test_there_is_no_level_3_yet(copied: Runs) -> None:
    assert copied.ask("audit", copied.name(), "--level", "L3").status == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_results_of_a_compiled_run_are_made_again_bit_for_bit(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "toy.yaml"
    spec.write_text(short_toy().replace('compile: "off"', 'compile: "on"'))
    assert main(["run", str(spec), "--runs", str(tmp_path / "runs")]) == 0
    (folder,) = (tmp_path / "runs" / "toy").iterdir()
    capfd.readouterr()
    assert main(["audit", str(folder), "--level", "L4", "--json"]) == 0
    text = capfd.readouterr()
    assert "CUDA" not in text.err
    found = [one for one in json.loads(text.out)["findings"] if one["level"] == "L4"]
    assert len(found) == 2
    assert all("the same bit for bit" in one["message"] for one in found)
