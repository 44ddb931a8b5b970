"""`eqspec seal`, and `eqspec audit --against` a seal that was published."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from eqspec.runs import seal
from eqspec.runs.folder import RunFolder
from eqspec.runs.published_seal import PublishedSeal, SealedRun, seals_in
from eqspec.runs.record import Outcome, Status
from tests.trained_runs import reseal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.trained_runs import Runs


def line_of(runs: Runs, spec: str = "toy") -> str:
    answer = runs.ask("seal", runs.name(spec))
    assert answer.status == 0, answer.err
    return answer.out.strip()


def test_a_seal_is_one_line_with_the_hash_of_the_record(finished: Runs) -> None:
    record = (finished.folder() / "record.json").read_bytes()
    digest = hashlib.sha256(record).hexdigest()
    answer = finished.ask("seal", finished.name())
    assert answer.out == f"eqspec-seal 1 toy {finished.folder().name} sha256:{digest}\n"
    assert answer.last.startswith("next: eqspec audit toy/")
    assert answer.out.strip() in answer.last
    data = finished.ask("seal", finished.name(), "--json").data
    assert (data["format"], data["sha256"], data["line"]) == (1, digest, answer.out.strip())
    assert f"{data['recipe']}-s{data['seed']}" == finished.folder().name


def test_an_unsealed_run_has_no_seal(copied: Runs) -> None:
    (copied.folder() / "record.json").unlink()
    (copied.folder() / "record.sha256").unlink()
    answer = copied.ask("seal", copied.name())
    assert (answer.status, answer.out) == (1, "")
    assert "is not sealed: the run is not finished" in answer.err


def test_an_interrupted_sealing_is_to_be_finished_first(copied: Runs) -> None:
    (copied.folder() / "record.sha256").unlink()
    answer = copied.ask("seal", copied.name())
    assert (answer.status, answer.out) == (1, "")
    assert "sealing was interrupted" in answer.err


@pytest.mark.parametrize("file", ["record.json", "metrics.jsonl", "resolved.yaml"])
def test_a_run_that_is_not_as_it_was_sealed_is_refused(copied: Runs, file: str) -> None:
    path = copied.folder() / file
    text = path.read_text()
    if file == "record.json":
        record = json.loads(text)
        text = json.dumps({**record, "step": record["step"] + 1})
    path.write_text(text + " ")
    answer = copied.ask("seal", copied.name())
    assert (answer.status, answer.out) == (3, "")
    assert f"`{file}`" in answer.err
    assert answer.last.startswith(f"next: eqspec audit {copied.name()}")


@pytest.mark.parametrize("name", ["toy", "a name of 100 %", "ä\u00a0b", "x%20y"])
def test_a_line_is_read_as_it_was_written(name: str) -> None:
    one = PublishedSeal("0a" * 32, SealedRun(name, "7f3a9c21", 3))
    assert len(one.line.split()) == 5
    assert seals_in(one.line) == (one,)
    broken = re.sub(" ", "\n   ", one.line)
    assert seals_in(f"The seal is\n  {broken}.\n") == (one,)


def against(runs: Runs, line: str, *, spec: str = "toy") -> tuple[int, dict[str, Any]]:
    """The exit status, and the finding about the published seal."""
    answer = runs.ask("audit", runs.name(spec), "--level", "L0", "--against", line, "--json")
    (found,) = (one for one in answer.data["findings"] if one["about"] == "published seal")
    assert found["level"] == "L0"
    return answer.status, found


def test_a_run_has_the_seal_that_was_published(finished: Runs, tmp_path: Path) -> None:
    line = line_of(finished)
    paper = tmp_path / "paper.tex"
    paper.write_text(f"% {line_of(finished, 'toy-base')}\nThe seal is \\verb| {line} |.\n")
    record = finished.folder() / "record.sha256"
    for given in (line, line.replace(" ", "\n"), str(paper), str(record), record.read_text()):
        status, found = against(finished, given)
        assert (status, found["holds"]) == (0, True), found
        assert line[-64:][:12] in found["message"]


def test_another_seal_of_the_same_run_does_not_match(copied: Runs) -> None:
    line = line_of(copied)
    (copied.folder() / "metrics.jsonl").write_text("")
    (copied.folder() / "record.sha256").unlink()
    reseal(copied.folder())
    status, found = against(copied, line)
    assert (status, found["holds"]) == (3, False)
    assert "same recipe and seed, but other files" in found["message"]
    (hashes,) = found["disagreements"]
    assert (hashes["name"], hashes["recorded"]) == ("record.json", line[-64:][:12])
    page = copied.ask("audit", copied.name(), "--level", "L0", "--against", line).out
    assert re.search(r"published +here\n +record\.json +[0-9a-f]{12} +[0-9a-f]{12}\n", page)
    assert "L0  does not hold" in page


def test_the_seal_of_another_run_is_named(finished: Runs) -> None:
    line = line_of(finished, "toy-base")
    status, found = against(finished, line)
    assert (status, found["holds"]) == (3, False)
    other, here = finished.folder("toy-base").name, finished.folder().name
    assert f"of another run: `toy-base {other}`; this one is `toy {here}`" in found["message"]
    assert [one["name"] for one in found["disagreements"]] == ["spec", "recipe"]
    status, found = against(finished, line_of(finished).replace(" toy ", " mine "))
    assert (status, found["holds"]) == (3, False)
    assert "the name in the line was changed" in found["message"]


def test_an_evaluation_with_other_packages_loses_no_proof(
    copied: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = line_of(copied)
    monkeypatch.setattr(seal, "package_versions", lambda: {"numpy": "99.0"})
    assert copied.ask("eval", copied.name(), "--use", "effective-rank").status == 0
    status, found = against(copied, line)
    assert (status, found["holds"]) == (0, True), found


def test_a_seal_before_results_were_added_is_proved(copied: Runs) -> None:
    line = line_of(copied)
    assert copied.ask("eval", copied.name(), "--use", "effective-rank").status == 0
    status, found = against(copied, line)
    assert (status, found["holds"]) == (0, True), found
    assert "is the one before last; since then `eval` added" in found["message"]
    assert "written again, has the published hash" in found["message"]
    more = ("--use", "effective-rank", "--set", "evaluate.0.with.images=16")
    assert copied.ask("eval", copied.name(), *more).status == 0
    status, found = against(copied, line)
    assert (status, found["holds"]) == (0, True), found
    assert "is 2 sealings before the last one" in found["message"]


def test_a_history_alone_proves_nothing(copied: Runs) -> None:
    line = line_of(copied)
    path = copied.folder() / "metrics.jsonl"
    path.write_text(path.read_text().replace('"step":2', '"step": 2', 1))
    RunFolder(copied.folder()).seal(
        Outcome(Status.FINISHED, 4), action="eval", changed=("metrics.jsonl",)
    )
    status, found = against(copied, line)
    assert (status, found["holds"]) == (3, None), found
    assert "is the one before last" in found["message"]
    assert "own history says so, which proves nothing" in found["message"]


def test_a_forged_history_is_not_believed(copied: Runs) -> None:
    line = line_of(copied)
    (copied.folder() / "metrics.jsonl").write_text("")
    reseal(copied.folder())
    record = json.loads((copied.folder() / "record.json").read_text())
    forged = {**record["history"][0], "replaced": line[-64:], "record_missing": False}
    text = json.dumps({**record, "history": [record["history"][0], forged]})
    (copied.folder() / "record.json").write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    (copied.folder() / "record.sha256").write_text(f"{digest}  record.json\n")
    answer = copied.ask("audit", copied.name(), "--level", "L0", "--against", line, "--json")
    holds = {one["about"]: one["holds"] for one in answer.data["findings"]}
    assert (answer.status, holds["published seal"]) == (3, None)


def test_a_run_without_a_seal_has_nothing_to_compare(copied: Runs) -> None:
    line = line_of(copied)
    RunFolder(copied.folder()).unseal()
    status, found = against(copied, line)
    assert (status, found["holds"]) == (3, None)
    assert "until the run went on" in found["message"]
    (copied.folder() / "record.unsealed.json").unlink()
    status, found = against(copied, line)
    assert (status, found["holds"]) == (3, None)
    assert "no seal to compare" in found["message"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is empty"),
        ("eqspec-seal 1 toy", "is no seal and no file"),
        ("no/such/file", "is no seal and no file"),
        ("x" * 5000, "is no seal and no file"),
        (f"eqspec-seal 1 toy 7f3a9c21-s0 sha256:{'0' * 63}", "is no seal and no file"),
        (f"eqspec-seal 2 toy 7f3a9c21-s0 sha256:{'0' * 64}", "has version 2 of its format"),
        ("FOLDER", "is no seal and no file"),
        ("EMPTY", "contains no seal"),
    ],
)
def test_what_is_no_seal_is_refused_with_what_is_expected(
    finished: Runs, tmp_path: Path, text: str, what: str
) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"\xff\xfe no seal")
    given = {"FOLDER": str(tmp_path), "EMPTY": str(empty)}.get(text, text)
    answer = finished.ask("audit", finished.name(), "--level", "L0", "--against", given)
    assert (answer.status, answer.out) == (2, "")
    assert what in answer.err
    assert "eqspec-seal 1 NAME RECIPE-sSEED sha256:HASH" in answer.err or "version 2" in answer.err
