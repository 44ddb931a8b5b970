"""What a run knows of its images: other content is found when it goes on, and by `audit`."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from eqspec.cli.main import main
from eqspec.commands.running import training_data as known_data
from eqspec.ops import image_files
from tests.command_line import ask
from tests.fake_datasets import save
from tests.toy_specs import toy_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 16, depth: 1, heads: 2}}"
)
TRAIN = 40


@pytest.fixture(autouse=True)
def _few_are_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fingerprint takes every tenth image, as it does of thousands."""
    monkeypatch.setattr(image_files, "HASHED", 4)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for i in range(TRAIN + 4):
        save(root / ("train" if i < TRAIN else "val") / f"{i:02d}.png")
    return root


@pytest.fixture
def train(tmp_path: Path, pictures: Path) -> Callable[..., int]:
    """`eqspec run` of a toy: 4 steps of 8, so that 32 of 40 images are read."""
    text = toy_text("vicreg", backbone=BACKBONE)
    (tmp_path / "toy.yaml").write_text(f'{text}\nmachine: {{compile: "off"}}\n')

    def run(*more: str) -> int:
        spec, place = tmp_path / "toy.yaml", ("--runs", str(tmp_path / "runs"))
        return main(["run", str(spec), "--data", str(pictures), *place, *more])

    return run


def the_run(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "runs" / "toy").iterdir()
    return found


def checksums(run: Path) -> np.ndarray:
    return np.frombuffer((run / "data" / "checksums").read_bytes(), "<u4")


def blank(paths: Iterable[Path], *, keep_times: bool = False) -> None:
    """Other content of the same size."""
    for path in paths:
        times = path.stat()
        path.write_bytes(bytes(path.stat().st_size))
        later = times.st_mtime_ns + (0 if keep_times else 10**9)
        os.utime(path, ns=(times.st_atime_ns, later))


def not_sampled(pictures: Path) -> list[Path]:
    return [p for i, p in enumerate(sorted((pictures / "train").iterdir())) if i % 10]


def audited(run: Path, pictures: Path, *more: str) -> dict[str, object]:
    answer = ask("audit", str(run), "--level", "L1", "--data", str(pictures), "--json", *more)
    return {f["about"]: f for f in answer.data["findings"]}["data"]


def test_training_leaves_behind_what_it_has_read(
    train: Callable[..., int], tmp_path: Path, pictures: Path
) -> None:
    assert train() == 0
    run = the_run(tmp_path)
    assert np.count_nonzero(checksums(run)) == 32
    found = audited(run, pictures)
    assert found["holds"], found
    assert "names and sizes of all 40 images, content of 4" in found["message"]
    assert "content of all of the 32 that the run has recorded, the same" in found["message"]


def test_what_is_left_behind_does_not_depend_on_stops_or_workers(
    train: Callable[..., int], tmp_path: Path
) -> None:
    assert train("--set", "machine.workers=1") == 0
    whole = the_run(tmp_path)
    kept = (whole / "data" / "checksums").read_bytes(), (whole / "data" / "record.json").read_text()
    whole.rename(tmp_path / "whole")
    for steps in ("1", "3"):
        assert train("--steps", steps) == 0
    assert train() == 0
    again = the_run(tmp_path) / "data"
    assert ((again / "checksums").read_bytes(), (again / "record.json").read_text()) == kept


@pytest.mark.parametrize("keep_times", [False, True])
def test_blanked_images_stop_the_run_that_has_read_them(
    keep_times: bool,
    train: Callable[..., int],
    tmp_path: Path,
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert train("--steps", "3") == 0
    blank(not_sampled(pictures), keep_times=keep_times)
    assert train() == 3
    text = " ".join(capsys.readouterr().err.split())
    assert "was trained on other data" in text
    assert "images were changed since: " in text
    found = audited(the_run(tmp_path), pictures)
    assert found["holds"] is False
    assert found["disagreements"][0]["here"] == "different content"


def test_images_that_were_not_read_are_named_when_they_were_written_since(
    train: Callable[..., int],
    tmp_path: Path,
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert train("--steps", "1") == 0
    read = checksums(the_run(tmp_path)) != 0
    paths = sorted((pictures / "train").iterdir())
    unread = [p for i, p in enumerate(paths) if not read[i] and i % 10]
    for path in unread:
        os.utime(path, ns=(1, 1))
    found = audited(the_run(tmp_path), pictures)
    assert found["holds"], "no number of this run depends on them"
    assert (
        f"{len(unread)} images were written since, which the run has not read" in found["message"]
    )
    capsys.readouterr()
    assert train() == 0
    text = " ".join(capsys.readouterr().err.split())
    assert f"warning: {len(unread)} images were modified since this run began" in text
    assert unread[0].name in text


def test_a_copy_with_other_times_goes_on(
    train: Callable[..., int], tmp_path: Path, pictures: Path
) -> None:
    assert train("--steps", "3") == 0
    shutil.copytree(pictures, tmp_path / "copy", copy_function=shutil.copyfile)
    shutil.rmtree(pictures)
    (tmp_path / "copy").rename(pictures)
    assert train() == 0


def test_full_finds_what_was_never_read(
    train: Callable[..., int],
    tmp_path: Path,
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    full = ("--set", "data.fingerprint=full")
    assert train("--steps", "1", *full) == 0
    run = the_run(tmp_path)
    assert np.all(checksums(run))
    assert "content of all the same" in str(audited(run, pictures)["message"])
    last = max((pictures / "train").iterdir())
    blank([last], keep_times=True)
    found = audited(run, pictures)
    assert [d["name"] for d in found["disagreements"]] == [last.name]
    assert found["message"] == "1 image differs from those that the run has read"
    capsys.readouterr()
    assert train(*full) == 3
    assert f"1 image was changed since: {last.name}" in " ".join(capsys.readouterr().err.split())


def test_an_audit_may_be_asked_to_look_at_all(
    train: Callable[..., int],
    tmp_path: Path,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known_data, "SAMPLE", 2)
    assert train() == 0
    run = the_run(tmp_path)
    read = np.flatnonzero(checksums(run)).tolist()
    number = next(n for n in read if n % 10 and n not in {read[0], read[-1]})
    blank([pictures / "train" / f"{number:02d}.png"], keep_times=True)
    found = audited(run, pictures)
    assert found["holds"], found
    assert "content of 2 of the 32 that the run has recorded, the same" in found["message"]
    found = audited(run, pictures, "--data-full")
    assert [d["name"] for d in found["disagreements"]] == [f"{number:02d}.png"]


def test_full_is_no_part_of_the_recipe(train: Callable[..., int], tmp_path: Path) -> None:
    assert train() == 0
    assert train("--set", "data.fingerprint=full") == 0
    assert the_run(tmp_path).is_dir(), "the same folder"


def test_replaced_images_are_in_the_record_and_compared(
    train: Callable[..., int], tmp_path: Path, pictures: Path
) -> None:
    for name in ("03.png", "07.png", "31.png"):
        path = pictures / "train" / name
        whole = path.read_bytes()
        path.write_bytes(whole[:200] + bytes(len(whole) - 200))
    assert train("--set", "data.with.unreadable=3") == 0
    run = the_run(tmp_path)
    record = json.loads((run / "data" / "record.json").read_text())
    replaced = {one["name"]: one["number"] for one in record["replaced"]}
    assert replaced
    assert replaced.items() <= {"03.png": 3, "07.png": 7, "31.png": 31}.items()
    found = audited(run, pictures)
    assert found["holds"], found
    were = "was" if len(replaced) == 1 else "were"
    assert f"{len(replaced)} could not be decoded and {were} replaced, as here" in found["message"]
    name = next(iter(replaced))
    (pictures / "train" / name).write_bytes(whole)
    again = audited(run, pictures)
    assert again["holds"] is False
    assert {d["name"] for d in again["disagreements"]} >= {name}


@pytest.mark.parametrize("file", ["times", "checksums", "record.json"])
def test_damage_to_what_is_known_is_named(
    file: str,
    train: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert train("--steps", "3") == 0
    (the_run(tmp_path) / "data" / file).write_bytes(b"x")
    assert train() == 3
    assert f"data/{file}` is damaged" in "".join(capsys.readouterr().err.split("\n"))


def test_missing_and_new_images_are_named(
    train: Callable[..., int],
    tmp_path: Path,
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert train("--steps", "2") == 0
    (pictures / "train" / "03.png").unlink()
    save(pictures / "train" / "99.png")
    capsys.readouterr()
    assert train() == 3
    error = " ".join(capsys.readouterr().err.split())
    assert "1 image is missing: 03.png; 1 image is new: 99.png" in error.replace("train/", "")
    (advice,) = re.findall(r"`eqspec (audit [^`]+)` compares them", error)
    page = ask(*shlex.split(advice))
    assert page.status == 3
    assert "1 image is missing: 03.png; 1 image is new: 99.png" in " ".join(page.out.split())
    found = audited(the_run(tmp_path), pictures)
    assert found["holds"] is False
    named = [d["name"].removeprefix("train/") for d in found["disagreements"]]
    assert named == ["fingerprint", "03.png", "99.png"]
    assert found["message"] == "1 image is missing: 03.png; 1 image is new: 99.png"


def test_changed_images_are_found_by_name_where_another_is_missing(
    train: Callable[..., int], tmp_path: Path, pictures: Path
) -> None:
    assert train() == 0
    (pictures / "train" / "03.png").unlink()
    read = np.flatnonzero(checksums(the_run(tmp_path))).tolist()
    changed = next(f"{n:02d}.png" for n in read if n > 3 and n % 10)
    blank([pictures / "train" / changed], keep_times=True)
    found = audited(the_run(tmp_path), pictures)
    named = [d["name"] for d in found["disagreements"]]
    assert named == ["fingerprint", "03.png", changed]
    assert found["message"] == (
        f"1 image is missing: 03.png; 1 image has different content: {changed}"
    )
