"""The repository as text and syntax trees, for the tests in this folder."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).parents[2]

FOLDERS = (".ci", "benchmarks", "docs", "eqspec", "registry", "specs", "tests")
"""Where the files of the repository are; `runs/` and what tools leave behind are not its own."""


@functools.cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """Every Python file below these folders of the repository, sorted."""
    return tuple(sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")))


@functools.cache
def text_files() -> tuple[Path, ...]:
    """Every text file that belongs to the repository: those at its top and below `FOLDERS`.

    `.git` is a file in a linked worktree, and names the checkout that it belongs to.
    """
    below = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    own = (
        p
        for p in (*ROOT.iterdir(), *below)
        if p.is_file() and not {"__pycache__", ".git"} & set(p.parts)
    )
    return tuple(sorted(path for path in own if _is_text(path)))


def _is_text(path: Path) -> bool:
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return True


@functools.cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def place(path: Path, node: ast.AST | None = None) -> str:
    """Return a location that editors can open: ``eqspec/errors.py:12``."""
    line = getattr(node, "lineno", None)
    return f"{path.relative_to(ROOT)}:{line}" if line else str(path.relative_to(ROOT))


def module_name(path: Path) -> str:
    """Dotted name under which a Python file of the repository is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
