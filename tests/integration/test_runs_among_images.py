"""Runs inside a folder of images are refused: their pictures would become training data."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import ask
from tests.fake_datasets import save
from tests.toy_specs import PATH, toy_text

BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 16, depth: 1, heads: 2}}"
)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder of class folders, with a spec of a run that draws reconstructions."""
    root = tmp_path / "album"
    for i in range(24):
        save(root / ("cats" if i % 2 else "dogs") / f"{i:02d}.png")
    text = toy_text("vicreg", backbone=BACKBONE, equivariance=PATH)
    (root / "toy.yaml").write_text(f'{text}\nmachine: {{compile: "off"}}\n')
    return root


def run(album: Path, *, runs: Path) -> tuple[int, str]:
    answer = ask("run", str(album / "toy.yaml"), "--data", str(album), "--runs", str(runs))
    return answer.status, " ".join((answer.out + answer.err).split())


def test_a_run_among_its_own_images_is_refused_before_it_begins(album: Path) -> None:
    status, text = run(album, runs=album / "runs")
    assert status == 2
    assert f"would be among the images of {album}" in text
    assert f"--runs {album.parent / 'runs'}" in text
    assert not (album / "runs").exists()


def test_pictures_of_a_run_are_no_data(album: Path, tmp_path: Path) -> None:
    assert run(album, runs=tmp_path / "runs")[0] == 0
    (tmp_path / "runs").rename(album / "runs")
    for command in ("check", "run"):
        answer = ask(command, str(album / "toy.yaml"), "--data", str(album))
        assert answer.status == 2
        assert "is a picture that a run of eqspec made" in " ".join(answer.err.split())


def test_runs_beside_the_splits_are_no_trouble(album: Path) -> None:
    for split in ("train", "val"):
        for name in ("cats", "dogs"):
            save(album / split / name / "1.png")
    for name in ("cats", "dogs"):
        (album / name).rename(album / "train" / f"{name}-of-all")
        (album / "val" / f"{name}-of-all").mkdir()
    assert run(album, runs=album / "runs")[0] == 0
    assert run(album, runs=album / "runs")[0] == 0
