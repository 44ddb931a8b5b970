"""Tests that commands do not import torch unless they need it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from eqspec.cli.app import COMMANDS as COMMAND_NAMES
from tests.architecture.tree import ROOT, module_name, python_files

if TYPE_CHECKING:
    from collections.abc import Sequence

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


WORK = ("numpy", "pydantic", "yaml", *HEAVY)
"""What no text of help needs; nor does it need any module of eqspec below the command line."""

BELOW = ("eqspec.compile", "eqspec.nn", "eqspec.registry", "eqspec.runs", "eqspec.spec")

NO_CHECK_NEEDS = (
    "filelock",
    "PIL",
    "eqspec.runs.seal",
    "eqspec.commands.planning.inspect_dataset",
    *HEAVY,
)


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
    assert _imported(argv, among=HEAVY) == []


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_help_is_shown_without_what_commands_work_with(flag: str) -> None:
    assert _imported([flag], among=(*WORK, *BELOW)) == []


def test_so_is_the_help_of_every_command() -> None:
    every = [[name, "--help"] for name in COMMAND_NAMES]
    assert _imported(*every, among=(*WORK, *BELOW)) == []


def test_a_command_imports_the_arguments_of_no_other() -> None:
    others = [f"eqspec.cli.arguments.{name}" for name in COMMAND_NAMES if name != "plan"]
    assert _imported(["plan", "--help"], among=others) == []


def test_check_imports_nothing_that_only_runs_need() -> None:
    assert _imported(["check", "specs/quickstart.yaml"], among=NO_CHECK_NEEDS) == []


def _imported(*lines: Sequence[str], among: Sequence[str]) -> list[str]:
    """Which of these modules are imported by one process for command lines that all end well."""
    code = """
import json, sys
from eqspec.cli.main import main
lines, among = map(json.loads, sys.argv[1:])
failed = [line for line in lines if main(line)]
found = [name for name in among if name in sys.modules]
print(f"\\n{json.dumps(found)}")
sys.exit(f"failed: {failed}" if failed else 0)
"""
    done = _run(code, json.dumps(lines), json.dumps(among))
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_importing_eqspec_does_not_wait_for_torch() -> None:
    code = "import eqspec, sys; assert 'torch' not in sys.modules; assert not hasattr(eqspec, 'x')"
    subprocess.run([sys.executable, "-c", code], check=True)
