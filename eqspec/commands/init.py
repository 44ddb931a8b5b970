"""`eqspec init`: a folder to start from, with a commented spec or the scaffold of a plugin."""

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
"""The spec that a new folder holds."""

TEMPLATES = Path(__file__).parent / "templates"

_RESERVED = frozenset({"eqspec", "test", "tests", "registry", "specs"})


@dataclass(frozen=True, slots=True)
class Made:
    """What was written.

    Attributes:
        files: in the order in which they are worth reading.
        spec: the one to check and run.
    """

    folder: Path
    files: tuple[Path, ...]
    spec: Path


def init(folder: Path, *, plugin: str | None = None) -> Made:
    """Writes a commented spec, or with ``plugin`` a Python package that brings an op.

    Raises:
        UsageError: when a file is there already, the name cannot be one, or nothing can be
            written.
    """
    files = _spec_files() if plugin is None else _plugin_files(_package(plugin))
    paths = tuple(folder / name for name in files)
    there = [str(path) for path in paths if os.path.lexists(path)]
    if there:
        raise UsageError(
            f"nothing was written: {', '.join(there)} {'is' if len(there) == 1 else 'are'} there",
            help="choose another folder, or move what is there",
        )
    try:
        for path, text in zip(paths, files.values(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"`{folder}` cannot be written: {error.strerror}") from error
    spec = next(path for path in paths if path.suffix == ".yaml")
    return Made(folder=folder, files=paths, spec=spec)


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
    """The name as that of a Python package."""
    package = name.replace("-", "_")
    legal = is_bare(name) and re.fullmatch("[a-z][a-z0-9_]*", package)
    if not legal or keyword.iskeyword(package) or package == "eqspec":
        raise UsageError(
            f"`{name}` cannot be the name of a package",
            help="small letters, digits, `-` and `_`, a letter first, as in `my-transforms`",
        )
    if package in _RESERVED | set(FAMILIES):
        raise UsageError(f"`{name}` is taken", help="choose another name, as in `my-transforms`")
    return package


def _template(name: str, **names: str) -> str:
    text = (TEMPLATES / f"{name}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(names)
