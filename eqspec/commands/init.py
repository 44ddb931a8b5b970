"""`eqspec init`: write a commented example spec or the scaffold of a plugin."""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from eqspec.commands.schema import FILE, modeline, schema_text
from eqspec.errors import UsageError
from eqspec.ops.find import FAMILIES
from eqspec.spec.use import is_bare

SPEC = "first.yaml"
"""Name of the spec in a new folder."""

TEMPLATES = Path(__file__).parent / "templates"

_RESERVED = frozenset({"eqspec", "test", "tests", "registry", "specs"})


@dataclass(frozen=True, slots=True)
class Scaffold:
    """Files written by `init`.

    Attributes:
        files: paths in a sensible order for reading.
        spec: path of the spec to check and run.
    """

    folder: Path
    files: tuple[Path, ...]
    spec: Path


def init(folder: Path, *, plugin: str | None = None) -> Scaffold:
    """Write a commented spec, or with ``plugin`` a Python package with an op.

    Raises:
        UsageError: when a file already exists, the name is not valid, or the folder cannot be
            written.
    """
    files = _spec_files() if plugin is None else _plugin_files(_package(plugin))
    paths = tuple(folder / name for name in files)
    existing = [str(path) for path in paths if os.path.lexists(path)]
    if existing:
        verb = "exists" if len(existing) == 1 else "exist"
        raise UsageError(
            f"nothing was written, because {', '.join(existing)} already {verb}",
            help="choose another folder, or move the existing files",
        )
    try:
        for path, text in zip(paths, files.values(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"`{folder}` cannot be written: {error.strerror}") from error
    spec = next(path for path in paths if path.suffix == ".yaml")
    return Scaffold(folder=folder, files=paths, spec=spec)


def _spec_files() -> Mapping[str, str]:
    return {
        SPEC: f"{modeline(FILE)}\n{_template('first.yaml')}",
        "README.md": _template("README.md"),
        FILE: schema_text(),
    }


def _plugin_files(package: str) -> Mapping[str, str]:
    names = {"package": package, "distribution": package.replace("_", "-")}
    return {
        "example.yaml": _template("plugin/example.yaml", **names),
        "README.md": _template("plugin/README.md", **names),
        "pyproject.toml": _template("plugin/pyproject.toml", **names),
        f"{package}/__init__.py": _template("plugin/package.py", **names),
        f"{package}/posterise.py": _template("plugin/posterise.py", **names),
        "tests/test_posterise.py": _template("plugin/test_posterise.py", **names),
    }


def _package(name: str) -> str:
    """Return the name of the Python package for a plugin name."""
    package = name.replace("-", "_")
    legal = is_bare(name) and re.fullmatch("[a-z][a-z0-9_]*", package)
    if not legal or keyword.iskeyword(package) or package == "eqspec":
        raise UsageError(
            f"`{name}` is not a valid package name",
            help="use lower-case letters, digits, `-` and `_`, starting with a letter, as in "
            "`my-transforms`",
        )
    if package in _RESERVED | set(FAMILIES):
        raise UsageError(f"`{name}` is taken", help="choose another name, as in `my-transforms`")
    return package


def _template(name: str, **names: str) -> str:
    text = (TEMPLATES / f"{name}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(names)
