"""Finds op files by family and name: a name exists because a file exists. Free of torch.

The files are those in eqspec/ops/, and those of installed packages (`eqspec.ops.plugins`).
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.errors import EqspecError, UsageError
from eqspec.ops.contract import STATED
from eqspec.ops.plugins import Plugin, load, plugins

if TYPE_CHECKING:
    from types import ModuleType

FAMILIES = tuple(STATED)
"""Folders under ``eqspec/ops/``, one per kind of mechanism."""


class UnknownOp(EqspecError):
    """No op file of that name in the family; `help` names the nearest and lists what exists."""

    exit_status = 2

    def __init__(self, family: str, name: str, *, known: tuple[str, ...]) -> None:
        near = get_close_matches(name, known, n=1, cutoff=0.5)
        guess = f"did you mean `{near[0]}`? " if near else ""
        super().__init__(
            f"no op `{name}` in eqspec/ops/{family}/", help=f"{guess}there are: {', '.join(known)}"
        )


def op_names(family: str) -> tuple[str, ...]:
    """Names of all ops of a family, sorted.

    Raises:
        UsageError: when a plugin takes the name of one that ships with eqspec.
    """
    return tuple(sorted((*_own_names(family), *(p.name for p in _brought(family)))))


def find_op(family: str, name: str) -> ModuleType:
    """The op's module.

    Raises:
        UnknownOp: when there is no such file.
    """
    if name in _own_names(family):
        return importlib.import_module(f"eqspec.ops.{family}.{name}")
    plugin = plugin_of(family, name)
    if plugin is None:
        raise UnknownOp(family, name, known=op_names(family))
    return load(plugin)


def plugin_of(family: str, name: str) -> Plugin | None:
    """The plugin that brings an op; None for one that ships with eqspec."""
    return next((p for p in _brought(family) if p.name == name), None)


@cache
def _own_names(family: str) -> tuple[str, ...]:
    if family not in FAMILIES:  # a saved plan may name anything
        return ()
    package = importlib.import_module(f"eqspec.ops.{family}")
    return tuple(m.name for m in pkgutil.iter_modules(package.__path__))


def _brought(family: str) -> tuple[Plugin, ...]:
    """The plugins of a family."""
    brought = tuple(p for p in plugins(FAMILIES) if p.family == family)
    own = _own_names(family) if brought else ()
    for plugin in brought:
        if plugin.name in own:
            raise UsageError(
                f"the package `{plugin.package}` brings an op `{family}.{plugin.name}`, which "
                "eqspec has itself",
                help="no plugin may replace an op: give it another name, or uninstall it",
            )
    return brought


def family_of(name: str, *, among: tuple[str, ...]) -> str:
    """The family, of those named, that holds an op.

    Raises:
        UnknownOp: when none does.
    """
    for family in among:
        if name in op_names(family):
            return family
    known = tuple(n for family in among for n in op_names(family))
    raise UnknownOp("|".join(among), name, known=known)


def op_sha256(family: str, name: str) -> str:
    """Hash of the op's source file."""
    source = find_op(family, name).__file__
    assert source is not None, "an op is a file"
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()
