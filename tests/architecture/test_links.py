"""Tests that modules, names and files mentioned in docstrings, comments and pages exist."""

from __future__ import annotations

import ast
import functools
import re
from typing import TYPE_CHECKING

from tests.architecture.tree import ROOT, module_name, place, python_files, text_files, tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOTTED = re.compile(r"(?<![\w/.])eqspec(?:\.[A-Za-z_]\w*)+(?!\*|/)")
COMMENT = re.compile(r"(?:^|\s)# (.*)")
FILE = re.compile(r"(?<![\w/.$~<>*:-])((?:[\w.-]+/)*[\w.-]*\w\.(?:py|yaml|md|toml))\b(?![/*<])")
LAZY = {"eqspec.load", "eqspec.features"}
"""What `eqspec/__init__.py` imports when it is asked for."""

MADE = re.compile(
    r"(?:^|/)(?:X|NAME|x)\.(?:py|yaml)$|^runs/|^(?:resolved|spec|settings|uid)\.yaml$"
    r"|(?:^|/)(?:first|example)\.yaml$"  # of `eqspec init`
)
"""Stands for any name, or is made by a run or by a person: nothing of the repository."""


def _defined(path: Path) -> Iterator[str]:
    """Dotted names of a module, of what it binds, and of what its classes bind."""
    module = module_name(path)
    yield module
    for node in tree(path).body:
        for name in _bound(node):
            yield f"{module}.{name}"
            if isinstance(node, ast.ClassDef):
                yield from (f"{module}.{name}.{own}" for part in node.body for own in _bound(part))


def _bound(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


@functools.cache
def _said(path: Path) -> tuple[tuple[int, str], ...]:
    """The lines of a page, or of the docstrings and comments of a Python file, by number."""
    return tuple((n, line) for n, line in _lines(path) if "eqspec" in line or "." in line)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        # test_pages.py checks links.
        yield from enumerate(re.sub(r"\]\([^)]*\)", "]", text).splitlines(), start=1)
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if comment := COMMENT.search(line):
            yield number, comment.group(1)
    for node in ast.walk(tree(path)):
        match node:  # a docstring, also of a constant
            case ast.Expr(value=ast.Constant(value=str(docstring))):
                yield from enumerate(docstring.splitlines(), start=node.lineno)


PAGES = tuple(path for path in text_files() if path.suffix == ".md")
SPEAKERS = (*PAGES, *python_files("eqspec", "tests", "benchmarks", "docs"))
OWN = ("benchmarks/", "docs/", "eqspec/", "registry/", "specs/", "tests/")
NAMES = frozenset(LAZY.union(*map(_defined, python_files("eqspec"))))
FILES = {
    "/".join(parts[at:])
    for parts in (path.relative_to(ROOT).parts for path in text_files())
    for at in range(len(parts))
}
"""Every file of the repository, with and without the folders that its name begins with."""


def _no_name(expected: str) -> list[str]:
    return [name for name in DOTTED.findall(expected) if name not in NAMES]


def _no_file(expected: str) -> list[str]:
    """Files that are named and not there; a name may leave out the folders that it begins with."""
    return [n for n in FILE.findall(expected) if n not in FILES and not MADE.search(n)]


def test_modules_and_names_that_are_pointed_to_exist() -> None:
    assert [
        f"{place(path)}:{line}: {name}"
        for path in SPEAKERS
        for line, reported in _said(path)
        for name in _no_name(reported)
    ] == []


def test_files_that_are_pointed_to_exist() -> None:
    """Tests also name files of other projects, and such as they write themselves."""
    assert [
        f"{place(path)}:{line}: {name}"
        for path in SPEAKERS
        for line, reported in _said(path)
        for name in _no_file(reported)
        if name.startswith(OWN) or not path.is_relative_to(ROOT / "tests")
    ] == []


def test_these_rules_know_their_case() -> None:
    assert _no_name(
        "`eqspec.ops.contact` lists; see `eqspec.ops.op.StreamType.size`, eqspec.load."
    ) == ["eqspec.ops.contact"]
    assert _no_file("see ops/opp.py, `spec/load.py` and eqspec/ops/<family>/<name>.py") == [
        "ops/opp.py"
    ]
