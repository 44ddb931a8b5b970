"""Images that go, change or come back while a run reads them are not taken for damaged ones."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from eqspec.cli.main import main
from eqspec.ops.image_files import ImageFiles
from tests.fake_datasets import save
from tests.toy_specs import toy_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 16, depth: 1, heads: 2}}"
)
TRAIN = 20


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for i in range(TRAIN + 4):
        save(root / ("train" if i < TRAIN else "val") / f"{i:02d}.png")
    return root


@pytest.fixture
def train(tmp_path: Path, pictures: Path) -> Callable[..., int]:
    """`eqspec run` of a toy on the pictures, into a folder of that name.

    Without workers: what is read is counted in this process.
    """
    text = toy_text("vicreg", backbone=BACKBONE)
    (tmp_path / "toy.yaml").write_text(f'{text}\nmachine: {{compile: "off", workers: 0}}\n')

    def run(runs: str, *more: str) -> int:
        spec, place = tmp_path / "toy.yaml", ("--runs", str(tmp_path / runs))
        return main(["run", str(spec), "--data", str(pictures), *place, *more])

    return run


def the_run(runs: Path) -> Path:
    (found,) = (runs / "toy").iterdir()
    return found


def after_reads(count: int, do: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Does something just before image file number `count` is read."""
    read, seen = ImageFiles.content, iter(range(count + 1))

    def content(self: ImageFiles, number: int) -> tuple[bytes, ...]:
        if next(seen, None) == count:
            do()
        return read(self, number)

    monkeypatch.setattr(ImageFiles, "content", content)


@pytest.mark.parametrize("workers", ["0", "1"])
def test_images_that_are_away_stop_the_run_which_then_goes_on(
    workers: str,
    train: Callable[..., int],
    tmp_path: Path,
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert train("undisturbed") == 0
    away = tmp_path / "away"
    away.mkdir()

    def take_away() -> None:
        for path in sorted((pictures / "train").iterdir())[::2]:
            path.rename(away / path.name)

    with monkeypatch.context() as patched:
        after_reads(18, take_away, patched)
        assert train("kept", "--set", f"machine.workers={workers}") == 1
    text = capsys.readouterr().err
    assert re.search(r"an image has disappeared: .*\.png: No such file", text)
    assert f"so have {TRAIN // 2 - 1} other files of the data" in " ".join(text.split())
    assert "the same command" in " ".join(text.split())
    assert "replaced by another" not in text
    run = the_run(tmp_path / "kept")
    assert not (run / "record.json").exists(), "it has not ended"
    for path in away.iterdir():
        path.rename(pictures / "train" / path.name)
    assert train("kept") == 0
    undisturbed = the_run(tmp_path / "undisturbed")
    assert (run / "metrics.jsonl").read_bytes() == (undisturbed / "metrics.jsonl").read_bytes()


def test_images_that_are_away_while_the_run_begins_leave_no_record(
    train: Callable[..., int],
    tmp_path: Path,
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run would otherwise refuse the restored images, as data that it did not begin with."""
    hashed, away = ImageFiles.fingerprint, tmp_path / "away.png"
    gone = pictures / "train" / "07.png"

    def fingerprint(self: ImageFiles) -> str:
        gone.rename(away)
        return hashed(self)

    with monkeypatch.context() as patched:
        patched.setattr(ImageFiles, "fingerprint", fingerprint)
        assert train("kept") == 1
    text = " ".join(capsys.readouterr().err.split())
    assert "an image has disappeared" in text
    assert "the same command" in text
    away.rename(gone)
    assert train("kept") == 0


def test_a_step_that_was_done_is_saved_before_the_run_stops(
    train: Callable[..., int],
    tmp_path: Path,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched:
        after_reads(18, lambda: shutil.rmtree(pictures / "train"), patched)
        assert train("kept") == 1
    assert list((the_run(tmp_path / "kept") / "checkpoints").glob("*.json"))


def test_an_image_that_is_cut_short_meanwhile_is_not_taken_for_a_damaged_one(
    train: Callable[..., int],
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cut() -> None:
        for path in (pictures / "train").iterdir():
            path.write_bytes(path.read_bytes()[:50])

    with monkeypatch.context() as patched:
        after_reads(10, cut, patched)
        assert train("kept") == 1
    text = " ".join(capsys.readouterr().err.split())
    assert "has changed since the data were listed" in text
    assert "50 bytes now" in text


def test_an_image_with_other_content_is_found_when_it_is_read_again(
    train: Callable[..., int],
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def swap() -> None:
        for path in (pictures / "train").iterdir():
            content = bytearray(path.read_bytes())
            content[-1] ^= 1  # behind the last chunk that is decoded: the pixels are the same
            path.write_bytes(content)

    with monkeypatch.context() as patched:
        after_reads(TRAIN + 4, swap, patched)
        assert train("kept") == 1
    assert "has changed since this run first read it" in " ".join(capsys.readouterr().err.split())


def test_an_evaluation_stops_as_well(
    train: Callable[..., int],
    tmp_path: Path,
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = tmp_path / "toy.yaml"
    spec.write_text(f"{spec.read_text()}\nevaluate: [{{use: effective-rank, at: end}}]\n")
    away = pictures / "away"
    held_out = pictures / "val"
    with monkeypatch.context() as patched:
        # Four steps of eight, and before them the untrained encoder's four.
        after_reads(4 * 8 + 1, lambda: held_out.rename(away), patched)
        assert train("kept") == 1
    assert "an image has disappeared" in " ".join(capsys.readouterr().err.split())
    away.rename(held_out)
    assert train("kept") == 0
