"""Tests of the three ways to set the location of data, and of what `check` prints about data."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eqspec.cli.main import main
from tests.command_line import Answer
from tests.fake_datasets import cifar, save
from tests.toy_specs import toy_text

Ask = Callable[..., Answer]


@pytest.fixture
def ask(capsys, tmp_path: Path, monkeypatch) -> Ask:
    """Runs a command beside some specs; `mine.yaml` names no dataset that is known by its size."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.yaml").write_text(toy_text("vicreg"))
    for name, data in (("mine", "image-folder"), ("cifar", "cifar10"), ("big", "imagenet1k")):
        text = toy_text("vicreg").replace("{use: photos}", f"{{use: {data}}}")
        (tmp_path / f"{name}.yaml").write_text(text)

    def asked(*argv: str) -> Answer:
        status = main(list(argv))
        out, err = capsys.readouterr()
        return Answer(status, out, err)

    return asked


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Twenty images in two classes, without splits."""
    for kind in ("cat", "dog"):
        for i in range(10):
            save(tmp_path / "pictures" / kind / f"{i}.png")
    return tmp_path / "pictures"


def recipe(answer: Answer) -> str:
    assert answer.status == 0, answer.err
    return answer.data["plans"][-1]["recipe"]


@pytest.mark.parametrize("spec", ["mine", "toy", "cifar", "big"])
def test_any_folder_of_images_works_for_every_spec(ask: Ask, pictures: Path, spec: str) -> None:
    answer = ask("check", f"{spec}.yaml", "--data", str(pictures), "--json")
    (found,) = answer.data["data"]
    assert (found["name"], found["train"], found["heldout"]) == ("image-folder", 18, 2)
    assert answer.data["plans"][-1]["data"] == "image-folder"


def test_a_stand_in_changes_the_recipe_but_its_location_does_not(ask: Ask, pictures: Path) -> None:
    own = recipe(ask("check", "toy.yaml", "--json"))
    stand_in = recipe(ask("check", "toy.yaml", "--data", str(pictures), "--json"))
    elsewhere = shutil.copytree(pictures, pictures.parent / "else=where")
    assert own != stand_in
    for location in (str(elsewhere), f"image-folder={elsewhere}", f"IMAGE_FOLDER={elsewhere}"):
        argv = ("check", "mine.yaml", "--data", location, "--json")
        assert recipe(ask(*argv)) == stand_in


def test_the_dataset_s_own_layout_is_read_as_the_dataset(ask: Ask, tmp_path: Path) -> None:
    folder = cifar(tmp_path / "c", classes=10)
    plans = [
        ask("plan", "cifar.yaml", "--no-trace", "--json", *given).data["plan"]
        for given in ((), ("--data", str(folder)), ("--data", f"cifar10={folder}"))
    ]
    assert [p["data"]["name"] for p in plans] == ["cifar10"] * 3
    assert len({p["recipe"] for p in plans}) == 1
    answer = ask("check", "cifar.yaml", "--data", str(folder))
    assert answer.status == 2
    assert "EQ050" in answer.err
    assert "`cifar10` has 50000 training images, but 10 were found" in answer.err
    assert "--set data.use=image-folder" in answer.err


def test_a_named_place_must_hold_that_dataset(ask: Ask, pictures: Path) -> None:
    answer = ask("check", "cifar.yaml", "--data", f"cifar10={pictures}")
    assert answer.status == 2
    assert "does not contain `cifar10`" in answer.err
    assert "any folder of images: --data DIR" in answer.err


class TestWhereItIsSaid:
    """`--data` wins over the environment, which wins over the settings file."""

    @pytest.fixture
    def settings(self, tmp_path: Path, monkeypatch) -> Path:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        path = tmp_path / "config" / "eqspec" / "settings.yaml"
        path.parent.mkdir(parents=True)
        return path

    def test_in_turn(self, ask: Ask, pictures: Path, settings: Path, monkeypatch) -> None:
        copies = [shutil.copytree(pictures, pictures.parent / name) for name in "abc"]
        settings.write_text(f"data: {{image-folder: {copies[0]}}}\n")
        argv = ("check", "mine.yaml", "--json")
        assert ask(*argv).data["data"][0]["folder"] == str(copies[0])
        monkeypatch.setenv("EQSPEC_DATA_IMAGE_FOLDER", str(copies[1]))
        assert ask(*argv).data["data"][0]["folder"] == str(copies[1])
        for location in (str(copies[2]), f"image-folder={copies[2]}"):
            found = ask(*argv, "--data", location).data
            assert found["data"][0]["folder"] == str(copies[2])

    @pytest.mark.usefixtures("pictures")
    def test_settings_are_relative_to_their_own_folder(self, ask: Ask, settings: Path) -> None:
        settings.write_text("data: {image-folder: ../../pictures}\n")
        assert ask("check", "mine.yaml", "--json").data["data"][0]["train"] == 18

    def test_a_wrong_settings_file_is_shown_with_its_place(self, ask: Ask, settings: Path) -> None:
        settings.write_text("data:\n  image-folder: [a]\n")
        answer = ask("check", "toy.yaml")
        assert answer.status == 2
        assert f"{settings}:2:17" in answer.err
        settings.write_text("date: {}\n")
        assert "EQ001" in ask("plan", "toy.yaml", "--no-trace").err


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("--data", "cifar=x"), "did you mean `cifar10`?"),
        (
            ("--data", "one", "--data", "two"),
            "two folders for the spec's training images: one and two",
        ),
        (("--data", "nowhere"), "there is no folder nowhere"),
    ],
)
def test_misuse_is_explained(ask: Ask, given: tuple[str, ...], expected: str) -> None:
    answer = ask("check", "mine.yaml", *given)
    assert (answer.status, answer.out) == (2, "")
    assert expected in answer.err


def test_check_shows_what_it_found(ask: Ask, pictures: Path) -> None:
    save(pictures / "dog" / "9.png", pixels=None)
    answer = ask("check", "mine.yaml", "--data", str(pictures))
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert lines[1:4] == [
        "data image-folder 18 images for training, 2 held out, 2 classes",
        f"in {pictures}",
        "48×40 (18 images inspected)",
    ]
    assert [line.split(",")[0] for line in lines[4:]] == [
        "image 0: 48×40",
        "image 8: 48×40",
        "image 17: 48×40",
    ]
    assert lines[4].endswith(", cat")
    assert answer.last == f"next: eqspec plan mine.yaml --data {pictures}"


def test_check_names_damaged_images(ask: Ask, pictures: Path) -> None:
    (pictures / "cat" / "3.png").write_bytes(b"no image")
    answer = ask("check", "mine.yaml", "--data", str(pictures))
    assert answer.status == 0
    assert f"skip cannot read the image {pictures / 'cat' / '3.png'}" in " ".join(
        answer.out.split()
    )
    assert "a run replaces at most 1 damaged training image" in " ".join(answer.out.split())
    limit = ("--set", "data.with.unreadable=0")
    refused = ask("check", "mine.yaml", "--data", str(pictures), *limit)
    assert refused.status == 2
    assert "1 image cannot be read, but at most 0 are allowed:\n" in refused.err
    assert "= note: cannot read the image" in refused.err


def test_a_folder_of_damaged_images_is_explained(ask: Ask, pictures: Path) -> None:
    for path in pictures.rglob("*.png"):
        path.write_bytes(b"no image")
    limit = ("--set", "data.with.unreadable=100")
    answer = ask("check", "mine.yaml", "--data", str(pictures), *limit)
    assert answer.status == 2
    assert "9 images cannot be read, and none is left to replace them" in answer.err
    assert "100 may be" not in answer.err
    assert "\N{REPLACEMENT CHARACTER}" not in answer.err


@pytest.mark.parametrize("given", ["", "photos=", " "])
def test_no_folder_is_not_the_folder_one_is_in(ask: Ask, given: str) -> None:
    answer = ask("check", "toy.yaml", "--data", given)
    assert answer.status == 2
    assert "has no folder" in answer.err


def test_an_unknown_dataset_name_suggests_data_without_a_name(ask: Ask, tmp_path: Path) -> None:
    body = "{card: dataset, rev: 1, about: Mine., impl: image_folder}"
    (tmp_path / "body.yaml").write_text(toy_text("vicreg").replace("{use: photos}", body))
    answer = ask("check", "body.yaml", "--data", f"mine={tmp_path}")
    assert answer.status == 2
    assert "`--data` names no known dataset: `mine`" in answer.err
    assert "for the images that the spec trains on, write `--data DIR` without a name" in answer.err


def test_a_dataset_without_a_place_is_called_by_its_card(ask: Ask, tmp_path: Path) -> None:
    text = toy_text("vicreg").replace("{use: photos}", "{use: tiny-imagenet-100}")
    (tmp_path / "tiny.yaml").write_text(text)
    answer = ask("run", "tiny.yaml")
    assert answer.status == 2
    assert "the location of `tiny-imagenet-100` is not configured" in answer.err
    assert "--data tiny-imagenet-100=DIR" in answer.err


def test_any_folder_works_for_errors_over_the_pixels_variance(ask: Ask, pictures: Path) -> None:
    """The small specs measure their reconstruction by it."""
    for spec in ("quickstart", "toy.yaml"):
        given = ("--set", "train.batch=8", "--data", str(pictures))
        assert ask("check", spec, *given).status == 0


def test_labels_that_a_folder_lacks_are_missed_before_anything_is_run(
    ask: Ask, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "judged.yaml").write_text(
        (tmp_path / "cifar.yaml").read_text() + "evaluate: [{use: knn, at: end}]\n"
    )
    given = ("check", "judged.yaml", "--data")
    assert ask(*given, str(pictures)).status == 0
    (pictures / "cat").rename(tmp_path / "loose")
    answer = ask(*given, str(tmp_path / "loose"))
    assert answer.status == 2
    assert "`knn` needs labels, but `image-folder` has none" in answer.err


def test_a_stand_in_is_checked_instead_of_the_card(ask: Ask, pictures: Path) -> None:
    """The spec's own photographs have no classes, and are ten thousand; the folder's have two."""
    asked = ("--set", "evaluate=[{use: knn, at: end}]", "--set", "train.batch=12")
    assert "EQ040" in ask("check", "toy.yaml", *asked).err
    given = ask("check", "toy.yaml", *asked, "--data", str(pictures))
    assert given.status == 0, given.err
    varied = (*asked, "--set", "compare={other: {seed: 1}}", "--data", str(pictures))
    swept = ("ablate", "toy.yaml", "--grid", "variant", "--dry-run", *varied)
    assert ask(*swept).status == 0

    large = ask("check", "mine.yaml", "--set", "train.batch=64", "--data", str(pictures))
    fits = ask("check", "toy.yaml", "--set", "train.batch=64", "--data", str(pictures))
    assert large.status == fits.status == 2
    assert "EQ021" in fits.err


def test_how_much_damage_is_borne_is_no_part_of_the_recipe(ask: Ask, pictures: Path) -> None:
    argv = ("check", "mine.yaml", "--data", str(pictures), "--json")
    borne = ask(*argv, "--set", "data.with.unreadable=7")
    assert recipe(borne) == recipe(ask(*argv))
    held_out = ask(*argv, "--set", "data.with.share=0.2")
    assert recipe(held_out) != recipe(borne)


def test_that_it_may_be_fetched_is_no_part_of_the_recipe_either(ask: Ask) -> None:
    argv = ("check", "cifar.yaml", "--json")
    assert recipe(ask(*argv, "--set", "data.with.download=true")) == recipe(ask(*argv))


def test_a_stand_in_tolerates_as_many_damaged_images_as_the_spec_allows(
    ask: Ask, pictures: Path
) -> None:
    (pictures / "cat" / "3.png").write_bytes(b"no image")
    answer = ask("check", "toy.yaml", "--data", str(pictures), "--set", "data.with.unreadable=0")
    assert answer.status == 2
    assert "1 image cannot be read, but at most 0 are allowed" in answer.err


def test_inspecting_data_does_not_import_torch(ask: Ask, pictures: Path) -> None:
    code = """
import sys
from eqspec.cli.main import main
status = main(sys.argv[1:])
sys.exit(status or int("torch" in sys.modules))
"""
    argv = [sys.executable, "-c", code, "check", "mine.yaml", "--data", str(pictures)]
    done = subprocess.run(argv, cwd=pictures.parent, check=False)
    assert done.returncode == 0
