"""Tests that `check` and `plan` list needed data, and that any image folder can stand in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import ask
from tests.fake_datasets import save
from tests.toy_specs import toy_text

JUDGED = "evaluate: [{use: linear-probe, at: end, with: {data: cifar10}}]\n"


@pytest.fixture(autouse=True)
def _specs(tmp_path: Path, monkeypatch) -> None:
    """A spec that is judged on other data, one of a dataset of a fixed size, and some images."""
    monkeypatch.chdir(tmp_path)
    Path("toy.yaml").write_text(toy_text("vicreg") + JUDGED)
    fixed = toy_text("vicreg").replace("{use: photos}", "{use: tiny-imagenet-100}")
    Path("fixed.yaml").write_text(fixed)
    for kind in ("cat", "dog"):
        for at in range(10):
            save(Path("pictures", kind, f"{at}.png"))


def test_data_that_only_an_evaluation_names_are_asked_for_before_a_run() -> None:
    given = ("toy.yaml", "--data", "pictures")
    checked = ask("check", *given)
    assert checked.status == 0
    assert "need cifar10 needed by a run: --data cifar10=DIR" in " ".join(checked.out.split())
    assert ask("check", *given, "--json").data["needed"] == ["cifar10"]
    planned = ask("plan", *given, "--no-trace")
    assert planned.status == 0
    reported = "A run reads `cifar10`, but its location is not configured: --data cifar10=DIR."
    assert reported in " ".join(planned.out.split())
    assert planned.last == "next: eqspec run toy.yaml --data pictures --data cifar10=DIR"
    run = ask("run", *given)
    assert run.status == 2
    assert "the location of `cifar10` is not configured" in run.err
    assert "help: --data cifar10=DIR\n" in run.err


def test_nothing_is_asked_for_that_comes_with_packages_or_has_a_place(monkeypatch) -> None:
    assert ask("check", "toy.yaml", "--json").data["needed"] == ["cifar10"]
    monkeypatch.setenv("EQSPEC_DATA_CIFAR10", "pictures")
    assert ask("plan", "toy.yaml", "--no-trace", "--json").data["needed"] == []
    assert ask("plan", "fixed.yaml", "--no-trace", "--json").data["needed"] == ["tiny-imagenet-100"]


@pytest.mark.parametrize("command", [("check", "--json"), ("plan", "--no-trace", "--json")])
def test_any_folder_can_replace_a_dataset_of_fixed_size(command: tuple[str, ...]) -> None:
    answer = ask(*command, "fixed.yaml", "--data", "pictures")
    assert answer.status == 0, answer.err
    names = {"check": lambda d: d["plans"][-1]["data"], "plan": lambda d: d["plan"]["data"]["name"]}
    assert names[command[0]](answer.data) == "image-folder"


def test_a_folder_with_its_classes_is_the_dataset_itself_and_must_be_whole() -> None:
    for at in range(100):
        for split in ("train", "val"):
            save(Path("tiny", split, f"n{at:03d}", "0.png"))
    answer = ask("check", "fixed.yaml", "--data", "tiny")
    assert answer.status == 2
    assert "`tiny-imagenet-100` has 20000 training images, but 100 were found" in answer.err
    assert "--set data.use=image-folder" in answer.err
    as_folder = ask("check", "fixed.yaml", "--data", "tiny", "--set", "data.use=image-folder")
    assert as_folder.status == 0, as_folder.err


class TestHomes:
    """`~nobody/x` names no folder: an error of ours, wherever it is written."""

    SAID = "`~nobody-here/x` cannot be found"

    @pytest.mark.parametrize("place", ["~nobody-here/x", "photos=~nobody-here/x"])
    @pytest.mark.parametrize("command", ["check", "plan", "run"])
    def test_on_the_command_line(self, command: str, place: str) -> None:
        answer = ask(command, "toy.yaml", "--data", place)
        assert (answer.status, self.SAID in answer.err) == (2, True)

    def test_in_the_environment(self, monkeypatch) -> None:
        monkeypatch.setenv("EQSPEC_DATA_CIFAR10", "~nobody-here/x")
        answer = ask("check", "toy.yaml")
        assert (answer.status, self.SAID in answer.err) == (2, True)

    def test_in_the_settings(self, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        path = tmp_path / "config" / "eqspec" / "settings.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(f"data: {json.dumps({'cifar10': '~nobody-here/x'})}\n")
        answer = ask("check", "toy.yaml")
        assert (answer.status, self.SAID in answer.err) == (2, True)
