"""What only reads and plans never waits for torch: importing it takes longer than the answer."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT, module_name, python_files

COMMANDS = (
    ("--help",),
    ("list", "methods"),
    ("show", "vicreg"),
    ("check", "specs/quickstart.yaml"),
    ("diff", "specs/quickstart.yaml", "specs/quickstart.yaml"),
    ("status",),
    ("explain", "EQ021"),
    ("explain", "specs/quickstart.yaml", "train.batch"),
    ("schema",),
)
"""Command lines that answer without torch, as `eqspec.cli.main.main` takes them."""

HEAVY = ("torch", "torchvision", "timm", "sklearn", "skimage")


def _run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a fresh interpreter at the top of the repository."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_ops_are_torch_free_at_import() -> None:
    ops = [module_name(p) for p in python_files("eqspec/ops") if p.name != "__init__.py"]
    code = """
import importlib, json, sys
blame = {}
for name in sys.argv[2:]:
    importlib.import_module(name)
    for heavy in json.loads(sys.argv[1]):
        if heavy in sys.modules:
            blame.setdefault(heavy, name)
print(json.dumps(blame))
"""
    done = _run(code, json.dumps(HEAVY), *ops)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {}


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_commands_are_torch_free(argv: tuple[str, ...]) -> None:
    code = """
import json, sys
from eqspec.cli.main import main
status = main(sys.argv[2:])
heavy = [name for name in json.loads(sys.argv[1]) if name in sys.modules]
sys.exit(f"exit status {status}, imported {heavy}" if status or heavy else 0)
"""
    done = _run(code, json.dumps(HEAVY), *argv)
    assert done.returncode == 0, done.stderr
