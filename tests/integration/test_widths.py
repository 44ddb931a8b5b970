"""What is shown of runs fits a terminal of any width, and says the same at all of them."""

from __future__ import annotations

import hashlib
import json
import re
import shutil

import pytest

from tests.command_line import Answer
from tests.trained_runs import Runs

WIDTHS = (60, 80, 120)
WIDE = 200
OTHER_SEAL = f"eqspec-seal 1 another 7f3a9c21-s3 sha256:{'0' * 64}"


@pytest.fixture
def runs(copied: Runs) -> Runs:
    """Runs that have finished, were stopped, have failed, and cannot be read."""
    done = copied.folder()
    states = {name: done.with_name(f"{done.name[:-1]}{name}") for name in ("7", "8", "9")}
    for path in states.values():
        shutil.copytree(done, path)
    (states["7"] / "record.json").unlink()
    record = json.loads((states["8"] / "record.json").read_text())
    reason = "the terms are not finite at step 3: recon is nan; the last good state is of step 2"
    text = json.dumps({**record, "status": "failed", "reason": reason})
    (states["8"] / "record.json").write_text(text)
    seal = f"{hashlib.sha256(text.encode()).hexdigest()}  record.json\n"
    (states["8"] / "record.sha256").write_text(seal)
    (states["9"] / "plan.json").write_text("{}")
    return copied


def pages(runs: Runs) -> dict[str, tuple[str, ...]]:
    done = (
        runs.root / "toy" / next(p.name for p in (runs.root / "toy").iterdir() if p.name[-1] == "0")
    )
    base = runs.name("toy-base")
    name = done.relative_to(runs.root).as_posix()
    return {
        "status": ("status",),
        "show": ("show", name),
        "show-failed": ("show", f"{name[:-1]}8"),
        "diff": ("diff", base, name),
        "diff-all": ("diff", name, f"{name[:-1]}7", "--all"),
        "audit": ("audit", name, "--level", "L1"),
        "audit-against": ("audit", name, "--level", "L0", "--against", OTHER_SEAL),
        "audit-suite": ("audit", "--suite", "--level", "L0"),
        "gc": ("gc", "--dry-run"),
        "plan": ("plan", str(runs.root.parent / "toy.yaml")),
        "eval": ("eval", name),
        "run": ("run", str(runs.root.parent / "toy.yaml")),
    }


def words(text: str) -> set[str]:
    """Numbers and words, without the colon that a title has beside its value."""
    return {token.strip(":,;.") for token in text.split() if re.search(r"\w", token)}


def too_long(answer: Answer, *, width: int) -> list[str]:
    """Lines that are wider; a path is never cut, and the next command is to be copied."""
    lines = (*answer.out.splitlines(), *answer.err.splitlines())
    return [
        line
        for line in lines
        if len(line) > width
        and len(line.split()) > 1
        and not line.lstrip().startswith(("next: ", "--> ", "::: "))
    ]


def test_every_page_of_runs_fits_and_loses_no_word(
    runs: Runs, finished: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(finished.root.parent / "toy.yaml", runs.root.parent)
    for argv in pages(runs).values():
        monkeypatch.setenv("COLUMNS", str(WIDE))
        wide = runs.ask(*argv)
        for width in WIDTHS:
            monkeypatch.setenv("COLUMNS", str(width))
            narrow = runs.ask(*argv)
            assert narrow.status == wide.status
            assert not too_long(narrow, width=width), argv
            # The first column of a block needs no title.
            assert words(wide.out) - {"run"} <= words(narrow.out), argv


def test_numbers_on_the_screen_have_few_digits_and_in_json_all(finished: Runs) -> None:
    argv = ("diff", finished.name("toy-base"), finished.name())
    shown = finished.ask(*argv).out
    digits = [re.sub(r"\D", "", token).lstrip("0") for token in re.findall(r"\d*\.\d+", shown)]
    assert digits
    assert max(map(len, digits)) <= 6
    gaps = finished.ask(*argv, "--json").data["curves"]["parting"]["gaps"]
    assert max(len(repr(gap["a"])) for gap in gaps) > 12


def test_in_a_pipe_a_run_is_a_line(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    page, _, rest = runs.ask("status").out.partition("\n\n")
    assert len(page.splitlines()) == 2 + 4
    assert "failed\n  toy/" in rest
