"""Tests that help, pages and lists fit the terminal, and that examples can be copied."""

from __future__ import annotations

import shlex

import pytest

from eqspec.cli.app import COMMANDS
from eqspec.cli.main import main


@pytest.mark.parametrize("width", [60, 80, 120])
def test_help_fits_and_its_examples_are_the_same_commands(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in COMMANDS:
        pages: list[str] = []
        for columns in (200, width):
            monkeypatch.setenv("COLUMNS", str(columns))
            assert main([command, "--help"]) == 0
            pages.append(capsys.readouterr().out)
        wide, narrow = (page.partition("Examples:")[2] for page in pages)
        assert max(map(len, pages[1].splitlines())) <= width, command
        # A shell takes lines that end in a backslash as one.
        assert shlex.split(narrow.replace("\\\n", "")) == shlex.split(wide), command
        assert set(pages[0].split()) <= set(pages[1].split()), command


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_description_of_a_command_is_cut(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:")[2].partition("Examples:")[0]
    descriptions = [line.strip() for line in listed.splitlines() if line.strip()]
    assert [line.split()[0] for line in descriptions] == list(COMMANDS)
    assert all(line.endswith(".") and not line.endswith("..") for line in descriptions)


@pytest.mark.parametrize("name", ["vicreg", "knn", "rot", "ibot_multicrop"])
def test_pages_of_cards_and_ops_fit_and_lose_no_word(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages: list[str] = []
    for columns in (200, 60):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main(["show", name]) == 0
        pages.append(capsys.readouterr().out)
    assert set(pages[0].split()) == set(pages[1].split())
    assert all(len(line) <= 60 or len(line.split()) == 1 for line in pages[1].splitlines())


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lists_fit_and_split_no_word(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages: list[str] = []
    for columns in (400, width):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main(["list"]) == 0
        pages.append(capsys.readouterr().out)
    words = [set(page.split()) for page in pages]
    assert max(map(len, pages[1].splitlines())) <= width
    assert words[0] - {"name", "rev", "status", "paper", "about"} <= words[1]


def test_the_text_of_an_op_is_filled_for_the_width(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["show", "mse"]) == 0
    paragraph = capsys.readouterr().out.split("\n\n")[2].splitlines()
    assert len(paragraph) > 2
    assert all(len(line) > 60 for line in paragraph[:-1])
