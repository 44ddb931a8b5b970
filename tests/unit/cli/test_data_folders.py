"""Tests of `check --data DIR`: how folders are read, what is ignored and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eqspec.ops import folder_walk
from tests.command_line import Answer, ask
from tests.fake_datasets import save
from tests.toy_specs import toy_text


@pytest.fixture(autouse=True)
def _specs(tmp_path: Path, monkeypatch) -> None:
    """One spec that reads no labels, and one that does; neither is of a folder of images."""
    monkeypatch.chdir(tmp_path)
    text = toy_text("vicreg").replace("batch: 8", "batch: 4")
    Path("toy.yaml").write_text(text)
    text = text.replace("{use: photos}", "{use: cifar10}")
    Path("labels.yaml").write_text(f"{text}evaluate: [{{use: knn, at: end}}]\n")


def laid(*folders: str, count: int = 6) -> None:
    for folder in folders:
        for at in range(count):
            save(Path("pictures", folder, f"{at}.png"))


def check(spec: str = "toy.yaml", *more: str) -> Answer:
    return ask("check", spec, "--data", "pictures", *more)


def lines(answer: Answer) -> list[str]:
    assert answer.status == 0, answer.err
    return [" ".join(line.split()) for line in answer.out.splitlines()]


def test_what_is_left_out_is_counted_by_ending_and_reason() -> None:
    laid("cat", "dog")
    for at in range(50):
        Path("pictures", "cat", f"{at}.gif").write_bytes(b"GIF89a")
    laid("__MACOSX/cat", ".thumbnails")
    Path("pictures/dog/notes.txt").write_text("no image")
    Path("pictures/dog/._0.png").write_text("")
    Path("pictures/dog/back").symlink_to(Path("pictures").absolute())
    Path("pictures/dog/cats").symlink_to(Path("pictures/cat").absolute())
    Path("pictures/dog/gone").symlink_to("nowhere")
    found = lines(check())
    assert "data image-folder 11 images for training, 1 held out, 2 classes" in found
    for reported in (
        "50 .gif files: format not read (such as cat/0.gif)",
        "1 folder: left behind by a system or a program (__MACOSX)",
        "1 folder: hidden (.thumbnails)",
        "1 .txt file: not an image (dog/notes.txt)",
        "1 .png file: hidden (dog/._0.png)",
        "1 folder: link to a folder above it (dog/back)",
        "1 folder: link to an image or folder already read (dog/cats)",
        "1 file without an ending: broken link (dog/gone)",
    ):
        assert f"skip {reported}" in found
    (data,) = check("toy.yaml", "--json").data["data"]
    assert data["left_out"][0] == {
        "kind": ".gif",
        "reason": "format not read",
        "count": 50,
        "example": "cat/0.gif",
    }


def test_a_folder_of_images_only_needs_no_note() -> None:
    laid("train/cat", "train/dog", "val/cat", "val/dog")
    found = lines(check())
    assert "in pictures: train/, held out val/" in found
    assert not [line for line in found if line.startswith(("skip", "note"))]


def test_split_folders_and_ignored_files_are_listed() -> None:
    laid("Train/cat", "Train/dog", "Val/cat", "Val/ant", "masks/cat")
    save(Path("pictures/sample.png"))
    found = lines(check())
    assert "in pictures: Train/, held out Val/" in found
    assert "skip 7 .png files: beside the splits (such as masks/cat/0.png)" in found
    assert "note class only in `Train`: `dog`" in found
    assert "note class only in `Val`: `ant`" in found


def test_classes_inside_a_folder_are_named_and_refused_where_labels_are_read() -> None:
    laid("pets/cat", "pets/dog", count=12)
    found = lines(check())
    assert "note all training images are of one class, `pets`" in found
    nested = (
        "note class folders contain folders (`pets/cat`, `pets/dog`): the first folder is the class"
    )
    assert nested in found
    for command in ("check", "run"):
        answer = ask(command, "labels.yaml", "--data", "pictures")
        assert answer.status in {1, 2}
        assert "all training images of `image-folder` are of one class, `pets`" in answer.err
        assert "--data DIR/pets" in answer.err
        assert not Path("runs").exists()
    assert ask("check", "labels.yaml", "--data", "pictures/pets").status == 0


def test_classes_that_splits_do_not_share_are_refused_where_labels_are_read() -> None:
    laid("train/cat", "train/dog", "val/cow", "val/sheep")
    assert check().status == 0
    for command in ("check", "run"):
        answer = ask(command, "labels.yaml", "--data", "pictures")
        assert (answer.status, "error[EQ040]" in answer.err) == (2, True)
        assert "no class of `image-folder` is in both splits" in answer.err
        assert not Path("runs").exists()


@pytest.mark.parametrize("command", ["check", "run"])
def test_too_few_images_to_evaluate_on_are_missed_by_check_as_by_run(command: str) -> None:
    laid("cat", "dog")
    answer = ask(command, "labels.yaml", "--data", "pictures")
    assert (answer.status, "error[EQ050]" in answer.err) == (2, True)
    assert "`knn` needs at least 2 training images and 2 held-out ones" in answer.err
    assert "there are 11 and 1" in answer.err


@pytest.mark.parametrize("command", ["check", "plan", "run"])
def test_a_class_called_train_is_asked_about(command: str) -> None:
    laid("bus", "car", "plane", "train")
    more = ("--no-trace",) if command == "plan" else ()
    answer = ask(command, "toy.yaml", "--data", "pictures", *more)
    assert answer.status == 2
    assert "`train` may be the training split, or one class of several" in answer.err
    assert "--set data.use=image-folder --set data.with.layout=classes" in answer.err


def test_the_setting_decides_and_is_part_of_the_recipe() -> None:
    laid("bus", "car", "plane", "train")
    recipes = set[str]()
    for layout, train, classes in (("classes", 22, 4), ("splits", 5, 0), ("flat", 22, 0)):
        given = ("--set", "data.use=image-folder", "--set", f"data.with.layout={layout}", "--json")
        answer = check("toy.yaml", *given)
        assert answer.status == 0, answer.err
        (data,) = answer.data["data"]
        assert (data["train"], data["classes"]) == (train, classes)
        recipes.add(answer.data["plans"][-1]["recipe"])
    assert len(recipes) == 3


@pytest.mark.parametrize("command", ["check", "run"])
def test_an_unreadable_class_folder_is_named(command: str, monkeypatch) -> None:
    laid("cat", "dog")
    scan = os.scandir

    def scandir(path):
        if str(path).endswith("dog"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(folder_walk.os, "scandir", scandir)
    answer = ask(command, "toy.yaml", "--data", "pictures")
    assert answer.status == 2
    assert f"cannot read the folder {Path('pictures/dog')}: Permission denied" in answer.err


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_class_name_in_latin_1_is_reported(command: str) -> None:
    laid("cat")
    Path("pictures", os.fsdecode(b"caf\xe9")).mkdir()
    answer = ask(command, "toy.yaml", "--data", "pictures")
    assert answer.status == 2
    assert r"the name `caf\xe9` in pictures is not UTF-8" in answer.err
