"""The floors of a path in a run: measured once, sealed, shown, and without effect on training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eqspec.commands.running import floors as measuring
from eqspec.commands.show.run import show_run
from eqspec.runs.floors import FLOORS, load_floors
from eqspec.runs.folder import RunFolder
from tests.command_line import Answer
from tests.toy_specs import PATH, toy_text
from tests.trained_runs import BACKBONE, Runs, reseal

LOCAL = 'evaluate: []\nmachine: {compile: "off", workers: 0}\n'


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """A spec with a path that is not run yet."""
    text = toy_text("vicreg", equivariance=PATH, backbone=BACKBONE, extra=LOCAL)
    (tmp_path / "toy.yaml").write_text(text)
    return Runs(tmp_path / "runs")


def run(runs: Runs, *more: str) -> Answer:
    answer = runs.ask("run", str(runs.root.parent / "toy.yaml"), *more)
    assert answer.status == 0, answer.err
    return answer


def unmeasured(*_: object, **__: object) -> None:
    raise AssertionError("the floors are measured again")


def l4(runs: Runs) -> tuple[Answer, list[dict[str, object]]]:
    answer = runs.ask("audit", runs.name(), "--level", "L4", "--json")
    return answer, [f for f in answer.data["findings"] if f["about"] == "floors"]


def test_floors_are_stored_sealed_and_shown(finished: Runs) -> None:
    folder = RunFolder(finished.folder())
    stored = load_floors(folder)
    assert stored is not None
    assert (stored.term, stored.reduction) == ("recon", "mean")
    assert stored.floors.full.known is not None
    record = folder.record()
    assert record is not None
    assert FLOORS in record.files
    log = folder.log.read_text()
    assert "floors of the reconstruction on 256 images, as shares of" in log
    assert "warning: recon was never below the blind floor" in log
    page = " ".join(finished.ask("show", finished.name()).out.split())
    assert "recon is never below the blind floor: so far" in page
    assert f"blind {stored.floors.full.blind:.3f} {stored.floors.coarse.blind:.3f}" in page


def test_a_run_without_a_path_has_none(finished: Runs) -> None:
    base = finished.folder("toy-base")
    assert not (base / FLOORS).exists()
    assert show_run(base, root=finished.root).reconstruction is None


def test_they_change_nothing_of_the_training(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(runs)
    monkeypatch.setattr("eqspec.commands.run.run_floors", lambda _run: None)
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "toy.yaml").write_text((tmp_path / "toy.yaml").read_text())
    without = Runs(tmp_path / "without" / "runs")
    run(without)
    assert not (without.folder() / FLOORS).exists()
    for pattern in ("metrics.jsonl", "checkpoints/*.safetensors", "data/*"):
        (found, expected) = (
            {p.name: p.read_bytes() for p in of.folder().glob(pattern)} for of in (runs, without)
        )
        assert found
        assert found == expected, pattern


def test_a_run_that_continues_reads_them(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    run(runs, "--steps", "2")
    before = (runs.folder() / FLOORS).read_bytes()
    monkeypatch.setattr(measuring, "path_floors", unmeasured)
    assert "floors of the reconstruction" in run(runs).err
    assert (runs.folder() / FLOORS).read_bytes() == before


@pytest.mark.parametrize("text", [None, "", "{}", '{"term": 1}'])
def test_lost_or_damaged_floors_of_an_unfinished_run_are_measured_again(
    runs: Runs, text: str | None
) -> None:
    run(runs, "--steps", "2")
    path = runs.folder() / FLOORS
    before = path.read_bytes()
    path.unlink() if text is None else path.write_text(text)
    run(runs)
    assert path.read_bytes() == before
    assert RunFolder(runs.folder()).verify() == ()


def test_a_run_of_an_older_version_is_shown_and_audited_without_them(copied: Runs) -> None:
    (copied.folder() / FLOORS).unlink()
    reseal(copied.folder())
    assert copied.ask("show", copied.name()).status == 0
    answer, found = l4(copied)
    assert (answer.status, found) == (0, [])
    again = copied.ask("run", str(copied.folder()), "--json")
    assert again.status == 0, again.err
    assert again.data["reconstructions"] == {}


def test_an_edit_is_refused_and_found_when_sealed_again(copied: Runs) -> None:
    path = copied.folder() / FLOORS
    (whole,) = l4(copied)[1]
    assert (whole["holds"], whole["message"]) == (True, "10 numbers, the same bit for bit")
    stored = json.loads(path.read_text())
    stored["floors"]["full"]["blind"] += 0.001
    path.write_text(json.dumps(stored))
    refused = copied.ask("show", copied.name())
    assert refused.status == 3
    assert f"{FLOORS}` has changed since it was sealed" in refused.err
    reseal(copied.folder())
    answer, (found,) = l4(copied)
    assert answer.status == 3
    assert found["message"] == "1 of 10 numbers differ by more than 1e-06"


def test_the_comparison_has_them_as_data_and_in_words(finished: Runs) -> None:
    spec = str(finished.root.parent / "toy.yaml")
    words = " ".join(finished.ask("run", spec).out.split())
    assert "toy: recon ends at " in words
    data = finished.ask("run", spec, "--json").data["reconstructions"]
    assert list(data) == ["toy"]
    assert data["toy"]["found"]["since"] is None
