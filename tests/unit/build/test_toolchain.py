"""What compiling needs is there when it can be read."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest

from eqspec.build.toolchain import find_toolchain


@pytest.fixture
def include(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which Python's headers are looked for."""
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    return tmp_path


def test_headers_are_looked_for(include: Path) -> None:
    assert not find_toolchain().headers
    (include / "Python.h").touch()
    assert find_toolchain().headers


@pytest.mark.skipif(os.geteuid() == 0, reason="root may search anywhere")
def test_headers_in_a_folder_that_may_not_be_searched_are_missing(include: Path) -> None:
    (include / "Python.h").touch()
    include.chmod(0)
    assert not find_toolchain().headers
    include.chmod(0o700)
