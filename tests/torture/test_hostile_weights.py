"""Weights and checkpoints that strangers might send, each met by the command that reads them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.command_line import ask
from tests.hostile_runs import within
from tests.hostile_weights import BOOM, ENCODERS, PICKLES, PLACES
from tests.published_files import VIT
from tests.published_specs import spec_text

if TYPE_CHECKING:
    from tests.torture.conftest import Tally

pytestmark = [pytest.mark.slow, pytest.mark.torture]


def test_weights_of_strangers(
    tally: Tally, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    cases = {**PICKLES, **ENCODERS, **PLACES}
    for name in list(cases)[:: request.config.getoption("--torture-every")]:
        make, reported = cases[name]
        folder = tmp_path / "case"
        folder.mkdir()
        make(folder / "w.pth")
        (folder / "judged.yaml").write_text(spec_text(folder / "w.pth", VIT))
        with tally.case("hostile weights", name), within(60):
            answer = ask("check", str(folder / "judged.yaml"))
            assert answer.status == 2, answer.err
            assert reported in answer.err.replace("\n", " ")
            assert not Path(BOOM).exists(), "a payload ran"
        shutil.rmtree(folder)
