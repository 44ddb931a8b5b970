"""`eqspec audit` of a run that was just made, and of one that has been damaged since."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command_line import ask
from tests.trained_runs import Runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def _byte_flipped(path: Path, *, at: int, flip: int) -> Iterator[None]:
    """A file with one byte changed, put back at the end."""
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ flip]))
    yield
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes([byte]))


def test_holds_for_a_run_that_was_just_made(finished: Runs) -> None:
    answer = finished.ask("audit", finished.name(), "--json")
    data = answer.data
    assert (answer.status, data["holds"]) == (0, True), data
    assert data["levels"] == {"L0": True, "L1": True, "L2": True}
    assert [f["about"] for f in data["findings"]] == [
        "files",
        "spec",
        "code",
        "environment",
        "data",
        "evaluation data",
        "replay",
    ]
    assert "the first 4 steps have the recorded numbers" in data["findings"][-1]["message"]


def test_finds_any_flipped_byte(finished: Runs, tmp_path: Path) -> None:
    base = tmp_path / "runs" / "toy-base" / "x-s0"
    shutil.copytree(finished.folder("toy-base"), base)
    files = sorted(
        path.relative_to(base).as_posix()
        for path in base.rglob("*")
        if path.is_file() and ".live" not in path.parts
    )

    @settings(max_examples=40)
    @given(name=st.sampled_from(files), share=st.floats(0, 1), flip=st.integers(1, 255))
    def flipped(name: str, share: float, flip: int) -> None:
        path = base / name
        size = path.stat().st_size
        at = min(int(share * size), size - 1)
        with _byte_flipped(path, at=at, flip=flip):
            answer = ask("audit", str(base), "--level", "L0", "--json")
        assert answer.status == 3
        found = [d["name"] for d in answer.data["findings"][0]["disagreements"]]
        assert (name if name != "record.sha256" else "record.json") in found

    flipped()
    assert ask("audit", str(base), "--level", "L0").status == 0


def test_names_what_is_missing_and_what_was_added(copied: Runs) -> None:
    (copied.folder() / "trace.json").unlink()
    (copied.folder() / "notes.txt").write_text("x")
    answer = copied.ask("audit", copied.name(), "--level", "L0")
    assert answer.status == 3
    assert "  notes.txt   was added after the folder was sealed\n" in answer.out
    assert "  trace.json  is missing\n" in answer.out
    assert "L1  not requested" in answer.out


def test_names_what_is_not_the_same_here(copied: Runs) -> None:
    path = copied.folder() / "environment.json"
    environment = json.loads(path.read_text())
    environment["packages"]["numpy"] = "1.0"
    environment |= {"host": "elsewhere", "data": "0" * 64, "source": "1" * 64}
    path.write_text(json.dumps(environment))
    answer = copied.ask("audit", copied.name(), "--level", "L1", "--json")
    assert (answer.status, answer.data["levels"]["L1"]) == (3, False)
    found = {f["about"]: f for f in answer.data["findings"]}
    assert found["spec"]["holds"]
    assert [d["name"] for d in found["environment"]["disagreements"]] == ["numpy"]
    assert [d["name"] for d in found["environment"]["beside"]] == ["host"]
    assert found["data"]["disagreements"][0]["recorded"] == "0" * 12
    assert found["code"]["disagreements"][0]["recorded"] == "1" * 12


def test_names_the_first_number_that_does_not_replay(copied: Runs) -> None:
    path = copied.folder() / "metrics.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[2]["values"]["loss"] *= 1 + 2**-40
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    answer = copied.ask("audit", copied.name(), "--json", "--steps", "2")
    assert answer.data["levels"]["L2"], "the third step was not asked for"
    replay = copied.ask("audit", copied.name(), "--json").data["findings"][-1]
    assert not replay["holds"]
    assert "diverges at step 3" in replay["message"]
    assert [d["name"] for d in replay["disagreements"]] == ["loss"]


def test_says_what_can_be_checked_of_a_run_that_has_not_ended(copied: Runs) -> None:
    for name in ("record.json", "record.sha256"):
        (copied.folder() / name).unlink()
    answer = copied.ask("audit", copied.name(), "--level", "L0")
    assert answer.status == 3
    assert "L0  cannot be checked" in answer.out
    assert "they are intact" in " ".join(answer.out.split())
    damaged = next(copied.folder().glob("checkpoints/*.safetensors"))
    with _byte_flipped(damaged, at=damaged.stat().st_size // 2, flip=1):
        again = copied.ask("audit", copied.name(), "--level", "L0")
    assert "L0  does not hold" in again.out


def test_of_a_plan_that_cannot_be_read_says_so(copied: Runs) -> None:
    (copied.folder() / "plan.json").write_text("{")
    answer = copied.ask("audit", str(copied.folder()), "--json")
    assert answer.status == 3
    assert answer.data["levels"] == {"L0": False, "L1": None, "L2": None}
