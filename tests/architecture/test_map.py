"""Test that the README's map of the code equals the layers of import-linter."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest

from tests.architecture.tree import ROOT, module_name, python_files, tree

MAP = re.compile(r"^## Map$.*?^```\w*\n(cli\b.*?)^```$", flags=re.MULTILINE | re.DOTALL)
DOTTED = re.compile(r"`(eqspec(?:\.\w+)+)`")
LAYERS_WITHOUT_FUNCTION = {"nn", "commands"}
"""`nn` is a shelf of modules, and in `commands` every file is one function of its own name."""

MODULES = {"errors", "printable", "regular_files"}
"""At the bottom: single files, which import nothing of eqspec."""


def _contract_layers() -> list[str]:
    """Layers of the contract from top to bottom; those in brackets may be absent."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (
        c["layers"] for c in config["tool"]["importlinter"]["contracts"] if c["type"] == "layers"
    )
    return [layer for layer in layers if not layer.startswith("(")]


LAYERS = sorted({name for layer in _contract_layers() for name in layer.split(" | ")} - MODULES)


def test_the_map_shows_the_layers_of_the_contract() -> None:
    block = MAP.search((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
    assert block, "docs/architecture.md has no fenced block that starts with `cli` under `## Map`"
    lines = (line for line in block.group(1).splitlines() if line and not line.startswith(" "))
    assert [re.split(r"\s{2,}", line)[0] for line in lines] == _contract_layers()


def _defined() -> set[str]:
    """Dotted names of every module, function, class and constant of eqspec."""
    modules = {module_name(path): tree(path) for path in python_files("eqspec")}
    inside = {
        f"{module}.{name}"
        for module, parsed in modules.items()
        for node in parsed.body
        for name in _bound(node)
    }
    return modules.keys() | inside


def _bound(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_documents_its_imports_and_its_function(layer: str) -> None:
    text = ast.get_docstring(tree(ROOT / "eqspec" / layer / "__init__.py")) or ""
    named = DOTTED.findall(text)
    assert "May import" in text
    assert named or layer in LAYERS_WITHOUT_FUNCTION
    assert [name for name in named if name not in _defined()] == []
