from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from eqspec.runs import environment
from eqspec.runs.environment import Checkout, Environment, checkout, collect, cpu_model

if TYPE_CHECKING:
    from pathlib import Path

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="makes a git repository")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit of one package, and a package that it does not track."""
    for name in ("package", "untracked"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / ".gitignore").write_text("untracked/\n")
    _git(tmp_path, "init", "--quiet")
    _git(tmp_path, "add", "--all")
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    _git(tmp_path, *who, "commit", "--quiet", "--message", "one")
    return tmp_path


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_environment_is_json_and_reads_back() -> None:
    found = collect(threads=3, accelerators=["a device"])
    text = json.dumps(found.model_dump(mode="json"))
    assert Environment.model_validate_json(text) == found
    assert (found.threads, found.accelerators, found.data) == (3, ("a device",), None)


def test_what_is_found_is_plausible() -> None:
    found = collect(threads=1)
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert found.packages["torch"] == metadata.version("torch")
    assert found.memory > 2**20
    assert 1 <= found.usable_cores <= found.cores
    assert found.cpu
    assert found.decoder.startswith(f"pillow {metadata.version('pillow')}, libjpeg")


def test_a_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PACKAGES", ("no-such-package",))
    assert environment.package_versions() == {"no-such-package": None}


def test_the_processor_is_named_from_cpuinfo_or_by_its_architecture(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    assert cpu_model(cpuinfo)
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Fast 9000: X\nmodel name\t: Slow\n")
    assert cpu_model(cpuinfo) == "Fast 9000: X"


@needs_git
def test_a_checkout_has_a_commit_and_may_be_dirty(repository: Path) -> None:
    commit = _git(repository, "rev-parse", "HEAD")
    assert checkout(repository / "package") == Checkout(commit=commit, dirty=False)
    (repository / "pictures.jpg").touch()
    assert checkout(repository / "package") == Checkout(commit=commit, dirty=False), "data"
    (repository / "package" / "new.py").touch()
    assert checkout(repository / "package") == Checkout(commit=commit, dirty=True)


@needs_git
def test_a_repository_that_does_not_track_the_package_does_not_count(repository: Path) -> None:
    assert checkout(repository / "untracked") is None


@needs_git
def test_a_repository_without_a_commit_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").touch()
    _git(tmp_path, "init", "--quiet")
    _git(tmp_path, "add", "__init__.py")
    assert checkout(tmp_path) is None


def test_without_git_there_is_no_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert checkout(tmp_path) is None
