"""`eqspec seal`, and `eqspec audit --against` a seal that was published."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

import pytest

from eqspec.runs.published_seal import PublishedSeal, SealedRun, seals_in

if TYPE_CHECKING:
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
    seal = PublishedSeal("0a" * 32, SealedRun(name, "7f3a9c21", 3))
    assert len(seal.line.split()) == 5
    assert seals_in(seal.line) == (seal,)
    broken = re.sub(" ", "\n   ", seal.line)
    assert seals_in(f"The seal is\n  {broken}.\n") == (seal,)
