"""Tests that a wheel contains the package with its cards and specs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distribution, distributions
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOT
from tests.fake_datasets import save
from tests.toy_specs import toy_text

if TYPE_CHECKING:
    from collections.abc import Mapping
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

    With `isolated`, the folder of an installation, nothing else is found but what Python brings.
    """
    options = ["-I", "-S"] if isolated else []
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


@pytest.mark.parametrize("extra", ["", "photos"])
def test_a_wheel_in_an_environment_of_its_own_runs_a_spec(
    wheel: Path, tmp_path: Path, extra: str
) -> None:
    """Beside the wheel lies what its metadata ask for, and nothing else that is installed here."""
    (archive,) = wheel.parent.glob("*.whl")
    target, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", target, archive], capture_output=True, check=True)
    _link(_asked_for(target, extra=extra), target)
    assert (target / "torch").is_dir()
    assert not (target / "pytest").exists()
    assert (target / "skimage").is_dir() == bool(extra)
    given = ["quickstart", "--set", "compare={}"]
    if not extra:
        (work / "toy.yaml").write_text(toy_text("vicreg"))
        for at in range(12):
            save(work / "pictures" / f"{at}.png")
        given = ["toy.yaml", "--data", "pictures"]
    code = f"""
import eqspec
from eqspec.cli.main import main
assert eqspec.__file__.startswith({str(target)!r}), eqspec.__file__
sys.exit(main({["run", *given, "--steps", "1"]}))
"""
    done = _python(code, cwd=work, isolated=str(target))
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"next: eqspec run {given[0]}")
    (run,) = work.glob("runs/*/*")
    assert [p.stem for p in run.glob("checkpoints/*.json")] == ["step-00000001"]


def _asked_for(site: Path, *, extra: str) -> dict[str, Distribution]:
    """What the wheel in a folder asks for, and what that asks for in turn, as installed here."""
    (own,) = distributions(name="eqspec", path=[str(site)])
    found: dict[str, Distribution] = {}
    left = [(own, {extra})]
    while left:
        asking, extras = left.pop()
        for requirement in map(Requirement, asking.requires or ()):
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": e}) for e in extras | {""}):
                continue
            name = canonicalize_name(requirement.name)
            if name not in found or requirement.extras:
                found[name] = distribution(requirement.name)
                left.append((found[name], requirement.extras))
    return found


def _link(found: Mapping[str, Distribution], site: Path) -> None:
    """Puts distributions into a folder, as links to where they are installed."""
    for one in found.values():
        tops = {file.parts[0] for file in one.files or ()} - {"..", "__pycache__", "bin"}
        for top in tops:
            if not (site / top).exists():
                (site / top).symlink_to(str(one.locate_file(top)))
