"""The `sh` and `python` blocks of the documentation run, in order, on a small folder of images."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
import torch

from eqspec.cli.main import main
from tests.fake_datasets import save
from tests.pages import Block, blocks, pages

EXECUTED = ("sh", "python")
PAGES = {
    page: text
    for page, text in pages().items()
    if any(block.language == "sh" for block in blocks(text))
}
SMALLER = {"60 steps": "2 steps", "batch: 32": "batch: 8", "10 steps": "1 step"}
"""What the tests change in the first spec, so that it trains in a second."""


FRESH = {"docs/tutorial.md", "docs/how-to/resume.md"}
"""Pages that train for the first time; the others continue where the tutorial ends."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images, the first spec and its runs."""
    folder = tmp_path_factory.mktemp("documented")
    for name in ("cat", "dog"):
        for number in range(12):
            save(folder / "pictures" / name / f"{name}{number}.png")
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        here.setenv("EQSPEC_CACHE", str(folder / "cache"))
        assert main(["init", "."]) == 0
        first_spec(folder)
        assert main(["run", "first.yaml", "--data", "pictures"]) == 0
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder to work in."""
    shutil.copytree(trained, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("EQSPEC_CACHE", str(trained / "cache"))
    return tmp_path / "work"


def first_spec(folder: Path) -> None:
    """Make the spec that `eqspec init` has written small."""
    text = (folder / "first.yaml").read_text()
    for before, after in SMALLER.items():
        assert before in text, "the template of the first spec has changed"
        text = text.replace(before, after)
    (folder / "first.yaml").write_text(text)


@pytest.mark.parametrize("page", PAGES)
def test_blocks_run_in_order(
    page: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if page in FRESH:
        shutil.rmtree(folder / "runs")
    names: dict[str, object] = {}
    for block in blocks(PAGES[page]):
        if block.language == "python":
            _execute(block.text, names)
        elif block.language == "sh":
            _run(block, monkeypatch)
    assert "Traceback" not in capsys.readouterr().err


def _expanded(word: str) -> list[str]:
    """Return what a shell makes of a word."""
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]


def _execute(code: str, names: dict[str, object]) -> None:
    """Run code of a page, which may draw from the global generator."""
    with torch.random.fork_rng():
        exec(compile(code, "<page>", "exec"), names)


def _run(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in block.text.splitlines():
        program, *words = shlex.split(line, comments=True)
        arguments = [name for word in words for name in _expanded(word)]
        if program == "cd":
            monkeypatch.chdir(arguments[0])
            continue
        assert program == "eqspec", f"only eqspec and cd can run here: {line}"
        assert main(arguments) == 0, line
        if arguments == ["init", "first"]:
            first_spec(Path("first"))


def test_the_code_in_the_readme_runs(folder: Path) -> None:
    (code,) = (b.text for b in blocks(pages()["README.md"]) if b.language == "python")
    assert code.count("\n") <= 20
    _execute(code, {})
    assert Path("encoder.pt").is_file()
