"""Limits on the length of files and functions, and rules for file names."""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, place, python_files, text_files, tree

FILE_LINES = 300
FUNCTION_LINES = 50
NAMES_THAT_SAY_NOTHING = {"util", "utils", "common", "helper", "helpers", "misc", "base", "core"}
FOREIGN = re.compile(
    r"pypi\.org|pythonhosted\.org|anaconda\.org|npmjs\.|download\.pytorch\.org/whl"  # registries
    r"|(?<![\w.])/work(?![\w-])|(?<![\w/])shared/|/tmp/v\b"  # folders of one machine
)


def test_files_are_short() -> None:
    lines = {p: p.read_text(encoding="utf-8").count("\n") for p in python_files("eqspec", "tests")}
    assert [f"{place(p)}: {n} lines" for p, n in lines.items() if n > FILE_LINES] == []


def test_functions_are_short() -> None:
    long = [
        f"{place(path, node)} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for path in python_files("eqspec", "tests")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    ]
    assert long == []


def test_names_are_descriptive() -> None:
    assert [
        place(path)
        for path in python_files("eqspec", "tests")
        if NAMES_THAT_SAY_NOTHING & {path.stem, path.parent.name}
    ] == []


def test_pytest_enters_every_folder_of_tests(request: pytest.FixtureRequest) -> None:
    """A folder that pytest passes over by its name (`build`, by default) is never tested."""
    passed_over: list[str] = request.config.getini("norecursedirs")
    assert [
        place(path)
        for path in python_files("tests")
        if any(
            fnmatch(p.name, pattern)
            for p in path.relative_to(ROOT).parents
            for pattern in passed_over
        )
    ] == []


def test_nothing_points_at_one_machine_or_registry() -> None:
    found = [
        f"{place(path)}:{number}: {match.group()}"
        for path in text_files()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (match := FOREIGN.search(line))
    ]
    assert found == []
