"""Rules about the code that no linter checks."""

from __future__ import annotations

import ast
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from tests.architecture.tree import ROOT, module_name, place, python_files, tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METHOD_NAMES = {"method", "method_name"}
HOMES_OF_MODULES = ("eqspec.nn", "eqspec.build")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _names(node: ast.expr) -> set[str]:
    """What ``method``, ``plan.method``, ``method.name`` and ``card["method"]`` are called."""
    match node:
        case ast.Attribute(value=owner, attr="name"):
            return _names(owner)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return {name}
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return {name}
    return set()


def _strings(node: ast.expr) -> bool:
    """Whether an expression is a string literal, or a display of some."""
    parts = getattr(node, "elts", [node])
    return any(isinstance(p, ast.Constant) and isinstance(p.value, str) for p in parts)


def _asks_for_a_method(node: ast.AST) -> bool:
    """Whether this compares a method's name with literals; asking a card for a key is no such."""
    match node:
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[right]):
            return bool(METHOD_NAMES & _names(left)) and _strings(right)
        case ast.Compare(left=left, comparators=[right]):
            return any(
                METHOD_NAMES & _names(a) and _strings(b) for a, b in permutations((left, right))
            )
        case ast.Match(subject=subject):
            return bool(METHOD_NAMES & _names(subject))
    return False


def test_no_code_asks_which_method_it_runs() -> None:
    """A card defines what is special about a method, not a branch in the code."""
    assert [
        place(path, node)
        for path in python_files("eqspec")
        for node in ast.walk(tree(path))
        if _asks_for_a_method(node)
    ] == []


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("method == 'mae'", True),
        ("plan.method in ('mae', 'ijepa')", True),
        ("'mae' != card['method_name']", True),
        ("spec.method.name == 'mae'", True),
        ("'embedding' in method", False),
        ("method is None or key == 'method'", False),
    ],
)
def test_that_rule_knows_its_case(text: str, *, asks: bool) -> None:
    assert any(map(_asks_for_a_method, ast.walk(ast.parse(text)))) == asks


def _bases(node: ast.ClassDef) -> set[str]:
    return {b.attr if isinstance(b, ast.Attribute) else getattr(b, "id", "") for b in node.bases}


def _module_classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    """Classes of eqspec that derive from torch's Module, directly or through one of ours."""
    classes = [
        (path, node)
        for path in python_files("eqspec")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
    ]
    modules = {"Module"}
    while grown := {c.name for _, c in classes if _bases(c) & modules} - modules:
        modules |= grown
    return ((path, c) for path, c in classes if _bases(c) & modules)


def test_torch_modules_live_below_the_ops() -> None:
    found = list(_module_classes())
    assert found, "no torch module was found in eqspec: this test looks at the wrong thing"
    assert [
        f"{place(path, node)} {node.name}"
        for path, node in found
        if not module_name(path).startswith(HOMES_OF_MODULES)
    ] == []


def _public(body: list[ast.stmt]) -> Iterator[Definition]:
    """Public functions and classes, and the public methods of these."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body)


def test_everything_public_has_a_docstring() -> None:
    assert [
        place(path)
        for path in python_files("eqspec")
        if not (ast.get_docstring(tree(path)) or "").strip()
    ] == []
    assert [
        f"{place(path, node)} {node.name}"
        for path in python_files("eqspec")
        for node in _public(tree(path).body)
        if not (ast.get_docstring(node) or "").strip()
    ] == []


def test_packages_hold_no_code() -> None:
    """An `__init__` describes its layer; eqspec's own adds its version and what Python asks for."""
    allowed = {ROOT / "eqspec" / "__init__.py": 6}
    assert [
        place(path)
        for path in python_files("eqspec")
        if path.name == "__init__.py" and len(tree(path).body) > allowed.get(path, 1)
    ] == []
