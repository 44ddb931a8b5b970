"""Runs on real image sets, where they are: `make test-data`.

`EQSPEC_TEST_DATA` names the folder that holds them as tar files (tiny-imagenet-100, CIFAR-10); by
default `../shared/data` beside the checkout. Without it these tests are skipped.
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from tests.command_line import ask

ROOT = Path(__file__).parents[2]
ARCHIVES = Path(os.environ.get("EQSPEC_TEST_DATA", ROOT.parent / "shared" / "data"))  # noqa: TID251 - where data is

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one folder of images for each archive."""
    target = tmp_path_factory.mktemp("images")
    for name in ("tiny-imagenet-100", "cifar10"):
        archive = ARCHIVES / f"{name}.tar"
        if not archive.exists():
            pytest.skip(f"{archive} is missing")
        with tarfile.open(archive) as tar:
            tar.extractall(target, filter="data")
    return target


@pytest.mark.parametrize(
    ("name", "train", "held_out", "classes"),
    [("tiny-imagenet-100", "20,000", "5,000", "100"), ("cifar10", "50,000", "10,000", "10")],
)
def test_check_counts_every_image(
    unpacked: Path, name: str, train: str, held_out: str, classes: str
) -> None:
    """Counts as in the sets' own descriptions."""
    found = ask("check", "specs/small/vicreg.yaml", "--data", str(unpacked / name))
    assert found.status == 0, found.err
    assert f"{train} images for training, {held_out} held out, {classes} classes" in found.out


def test_a_small_spec_trains_evaluates_and_replays(unpacked: Path, tmp_path: Path) -> None:
    data = f"tiny-imagenet-100={unpacked / 'tiny-imagenet-100'}"
    runs = str(tmp_path / "runs")
    short = ("--set", "train.length=20 steps", "--set", "train.schedule.params.warmup=2 steps")
    command = ("run", "specs/small/vicreg.yaml", "--data", data, "--runs", runs, *short)
    ran = ask(*command)
    assert ran.status == 0, ran.err
    assert "knn" in ran.out, "the nearest-neighbour evaluation has a table"
    again = ask(*command)
    assert (again.status, again.out) == (0, ran.out), "a finished run shows the same results"
    audit = ask("audit", "latest", "--runs", runs, "--data", data, "--level", "L2")
    assert audit.status == 0, audit.out + audit.err
