"""Pages of `eqspec run`, at several widths: warnings, log lines and tables, word for word.

Measured numbers are masked, since they depend on the processor; everything else is compared. So are
progress lines left out, whose number depends on the time.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eqspec.cli.main import main
from eqspec.registry.places import registry_root
from eqspec.report.numbers import duration
from tests.golden.test_transcripts import WIDTHS
from tests.toy_specs import PATH, toy_text
from tests.trained_runs import BACKBONE

HERE = Path(__file__).parent / "run_transcripts"

EXTRA = """\
evaluate:
  - {use: effective-rank, at: end}
  - use: r2
    at: end
    with:
      borders: [zeros, canvas]
      train_pairs: 64
      heldout_pairs: 32
      hidden: [8]
      epochs: 2
      resamples: 1000
compare: {base: {equivariance: none}}
machine: {compile: "off"}
"""


def masked(text: str, *, folder: Path) -> str:
    """The text without what differs from machine to machine, in the same columns."""
    text = text.replace(str(registry_root()), "<registry>").replace(str(folder), "<folder>")
    text = re.sub(r"^.*: step \d+ of \d+, loss .*\n(?:  .*\n)*", "", text, flags=re.MULTILINE)
    text = re.sub(r"(?<=/)[0-9a-f]{8}(?=-s\d)", "<recipe>", text)
    text = re.sub(r"[+-]?\d+\.\d+", lambda found: "#" * len(found[0]), text)
    text = re.sub(r"(?<=after )(?:\d+ min )?\d+(?= s\b)", "#", text)
    # In a table a time is aligned to the right: its last digit stays where it is.
    return re.sub(r"\d+(?= s\b)", lambda found: "#".rjust(len(found[0])), text)


def test_a_run_of_more_than_a_minute_looks_the_same(tmp_path: Path) -> None:
    pages = (f"base: done after {duration(seconds)}\n" for seconds in (7, 59, 75))
    assert {masked(page, folder=tmp_path) for page in pages} == {"base: done after # s\n"}


@pytest.mark.parametrize("width", WIDTHS)
def test_page_of_a_run(
    width: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("EQSPEC_DEBUG", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.chdir(tmp_path)
    text = toy_text("vicreg", equivariance=PATH, backbone=BACKBONE, extra=EXTRA)
    Path("toy.yaml").write_text(text)
    status = main(["run", "toy.yaml"])
    out, err = capsys.readouterr()
    page = f"$ eqspec run toy.yaml\n-- stdout\n{out}-- stderr\n{err}-- exit {status}\n"
    page = masked(page, folder=tmp_path)
    file = HERE / f"run-{width}.txt"
    if request.config.getoption("--update-golden"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(page, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == page
    assert max(map(len, out.splitlines())) <= width
