"""Tests of `--data` with too few images, with unused data, and of suggested commands."""

from __future__ import annotations

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
    """Runs a command beside a spec of the photographs, and one of a folder of images."""
    monkeypatch.chdir(tmp_path)
    text = toy_text("vicreg")
    (tmp_path / "toy.yaml").write_text(text)
    (tmp_path / "mine.yaml").write_text(text.replace("{use: photos}", "{use: image-folder}"))

    def asked(*argv: str) -> Answer:
        status = main(list(argv))
        out, err = capsys.readouterr()
        return Answer(status, out, err)

    return asked


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Twenty images without classes."""
    for at in range(20):
        save(tmp_path / "pictures" / f"{at:02}.png")
    return tmp_path / "pictures"


@pytest.mark.parametrize("command", [("check",), ("plan", "--no-trace"), ("run",), ("ablate",)])
def test_a_folder_for_data_that_are_not_read_is_refused(
    ask: Ask, pictures: Path, command: tuple[str, ...]
) -> None:
    grid = ("--grid", "batch=8,16") if command == ("ablate",) else ()
    answer = ask(*command, "toy.yaml", *grid, "--data", f"image-folder={pictures}")
    assert (answer.status, answer.out) == (2, "")
    assert "location of `image-folder`, and no training or evaluation here reads it" in answer.err
    assert "these are read: photos; " in answer.err
    assert "instead of `photos`: --data DIR" in answer.err


def test_a_folder_may_be_given_for_evaluation_data(ask: Ask, tmp_path: Path) -> None:
    location = f"cifar10={cifar(tmp_path / 'c', classes=10)}"
    evaluated = "evaluate=[{use: linear-probe, at: end, with: {data: cifar10}}]"
    assert ask("plan", "toy.yaml", "--no-trace", "--data", location).status == 2
    assert ask("plan", "toy.yaml", "--no-trace", "--data", location, "--set", evaluated).status == 0


def test_a_folder_may_be_for_the_data_of_one_point_of_a_grid(ask: Ask, pictures: Path) -> None:
    """And of a variant: what the others do not read is read after all."""
    spec = Path("both.yaml")
    spec.write_text(toy_text("vicreg", extra="compare: {own: {data.use: image-folder}}"))
    location = ("--data", f"image-folder={pictures}")
    for asked in (("plan", "--no-trace"), ("ablate", "--grid", "variant", "--dry-run")):
        answer = ask(*asked, str(spec), *location)
        assert answer.status == 0, answer.err


def test_a_place_of_this_machine_need_not_be_read(ask: Ask, pictures: Path, monkeypatch) -> None:
    monkeypatch.setenv("EQSPEC_DATA_IMAGENET1K", str(pictures))
    assert ask("check", "toy.yaml").status == 0


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), "there is no image in"),
        (("only.png",), "a batch of 8 does not fit into 1 training image\n"),
        (("a.png", "b.png", "c.png"), "a batch of 8 does not fit into 2 training images"),
    ],
)
def test_too_few_images_are_explained(
    ask: Ask, tmp_path: Path, names: tuple[str, ...], expected: str
) -> None:
    folder = tmp_path / "few"
    folder.mkdir()
    for name in names:
        save(folder / name)
    for command in (("check",), ("plan", "--no-trace"), ("run",)):
        answer = ask(*command, "mine.yaml", "--data", str(folder))
        assert (answer.status, answer.out) == (2, "")
        assert expected in answer.err
        assert f" --> {'mine.yaml' if names else '<cli>:--data'}:" in answer.err
        assert "help: " in answer.err
        assert "choose at most 1\n" not in answer.err
        assert "error[EQ030]" not in answer.err


def test_the_next_command_contains_the_data_folder(ask: Ask, pictures: Path) -> None:
    given = ("--data", str(pictures), "--data", "image-folder=/some where")
    answer = ask("plan", "mine.yaml", "--no-trace", *given)
    assert answer.last == (
        f"next: eqspec run mine.yaml --data {pictures} --data 'image-folder=/some where'"
    )
