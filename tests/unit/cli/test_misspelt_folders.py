"""Folders of data that do not exist are located, and images behind broken links are named once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import ask
from tests.fake_datasets import save
from tests.toy_specs import toy_text


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty images beside a spec that reads them."""
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(toy_text("vicreg").replace("photos", "image-folder"))
    for i in range(20):
        save(tmp_path / "pictures" / f"{i:02d}.png")
    return tmp_path / "pictures"


@pytest.mark.parametrize("command", ["check", "plan", "run"])
def test_a_misspelt_folder_is_located_in_its_argument(pictures: Path, command: str) -> None:
    misspelt = pictures.with_name("picturs")
    answer = ask(command, "mine.yaml", "--data", str(misspelt))
    assert answer.status == 2
    assert " --> <cli>:--data:1:1\n" in answer.err
    assert f"did you mean `{pictures}`?" in " ".join(answer.err.split())


def test_so_is_that_of_a_named_dataset_in_the_spec(pictures: Path) -> None:
    answer = ask("check", "mine.yaml", "--data", f"image-folder={pictures.with_name('picturs')}")
    assert answer.status == 2
    assert f"did you mean `{pictures}`?" in " ".join(answer.err.split())


def test_an_image_behind_a_broken_link_is_named_once(pictures: Path) -> None:
    link = pictures / "03.png"
    link.unlink()
    link.symlink_to("/nowhere/03.png")
    out = " ".join(ask("check", "mine.yaml", "--data", str(pictures)).out.split())
    assert f"cannot read the image {link}: No such file or directory" in out
    assert out.count(str(link)) == 1


def test_a_broken_link_to_a_folder_is_named_with_its_target(pictures: Path) -> None:
    folder = pictures.with_name("link")
    folder.symlink_to("/nowhere")
    answer = ask("check", "mine.yaml", "--data", str(folder))
    assert answer.status == 2
    assert f"there is no folder {folder}: the link leads to /nowhere" in " ".join(
        answer.err.split()
    )
