"""A wheel carries the whole package, with the cards and specs that it runs on."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.architecture.tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HOMES = {"eqspec": "eqspec", "registry": "eqspec/_registry", "specs": "eqspec/_specs"}
"""Folder of the repository, and where a wheel has it."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content, built from a copy so that the repository stays as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in HOMES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = "from setuptools.build_meta import build_wheel; build_wheel('..')"
    done = _python(build, cwd=source)
    assert done.returncode == 0, done.stderr
    (archive,) = folder.glob("*.whl")
    zipfile.ZipFile(archive).extractall(folder / "installed")
    return folder / "installed"


def _python(code: str, *, cwd: Path, isolated: str = "") -> subprocess.CompletedProcess[str]:
    """Runs code in a fresh interpreter, which looks for modules in its folder first.

    With `isolated`, the folder of an installation, nothing but that and the dependencies is found.
    """
    options = ["-I"] if isolated else []
    first = f"import sys; sys.path.insert(0, {isolated!r})\n" if isolated else ""
    command = [sys.executable, *options, "-c", first + code]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def _files(folder: Path) -> set[str]:
    kept = (p for s in ("*.py", "*.yaml", "*.json", "*.txt", "py.typed") for p in folder.rglob(s))
    return {p.relative_to(folder).as_posix() for p in kept if p.parent.suffix != ".dist-info"}


def test_wheel_is_complete(wheel: Path) -> None:
    expected = {f"{home}/{f}" for name, home in HOMES.items() for f in _files(ROOT / name)}
    assert _files(wheel) == expected


def test_wheel_runs_on_its_own_cards(wheel: Path) -> None:
    code = """
import sys, eqspec
from eqspec.cli.main import main
assert "installed" in eqspec.__file__, eqspec.__file__
sys.exit(main(["check", "eqspec/_specs/quickstart.yaml"]))
"""
    done = _python(code, cwd=wheel)
    assert done.returncode == 0, done.stderr


def test_an_installed_wheel_runs_a_spec(wheel: Path, tmp_path: Path) -> None:
    """Installed as pip does it, and run from a folder that holds nothing."""
    (archive,) = wheel.parent.glob("*.whl")
    target, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", target, archive], capture_output=True, check=True)
    code = f"""
import eqspec
from eqspec.cli.main import main
assert eqspec.__file__.startswith({str(target)!r}), eqspec.__file__
sys.exit(main(["run", "quickstart", "--steps", "1", "--set", "compare={{}}"]))
"""
    done = _python(code, cwd=work, isolated=str(target))
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].startswith("next: eqspec run quickstart")
    (run,) = work.glob("runs/quickstart/*")
    assert [p.stem for p in run.glob("checkpoints/*.json")] == ["step-00000001"]
