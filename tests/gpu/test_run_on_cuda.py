"""A whole run on a CUDA device through the command line: evaluations, resume, audit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from eqspec.runs.folder import RunFolder
from tests.command_line import ask
from tests.toy_specs import PATH, short_toy


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("cuda") / "toy.yaml"
    text = short_toy().replace("workers: 0}", "workers: 0, device: cuda}")
    rank = "evaluate:\n  - {use: effective-rank, at: end, with: {images: 16}}"
    file.write_text(
        text.replace("evaluate:", rank).replace("equivariance: none", f"equivariance: {PATH}")
    )
    return file


@pytest.fixture(scope="module")
def whole(spec: Path) -> RunFolder:
    answer = ask("run", str(spec), "--runs", str(spec.parent / "whole"))
    assert answer.status == 0, answer.err
    return folder(spec.parent / "whole")


def folder(runs: Path) -> RunFolder:
    (plan,) = runs.glob("*/*/plan.json")
    return RunFolder(plan.parent)


def test_the_run_records_its_card(whole: RunFolder) -> None:
    recorded = (whole.path / "environment.json").read_text()
    assert torch.cuda.get_device_name() in recorded


def test_a_resumed_run_has_the_bits_of_one_that_was_not_stopped(
    spec: Path, whole: RunFolder
) -> None:
    argv = ["run", str(spec), "--runs", str(spec.parent / "stopped")]
    assert ask(*argv, "--steps", "2").status == 0
    assert ask(*argv).status == 0
    stopped = folder(spec.parent / "stopped")
    last = stopped.checkpoints / "step-00000003.safetensors"
    assert last.read_bytes() == (whole.checkpoints / last.name).read_bytes()
    results = sorted(whole.evaluations.glob("*.json"))
    assert results
    for path in results:
        assert (stopped.evaluations / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("level", ["L0", "L1", "L2", "L4"])
def test_an_audit_holds(whole: RunFolder, level: str) -> None:
    answer = ask("audit", str(whole.path), "--level", level)
    assert answer.status == 0, answer.out + answer.err
