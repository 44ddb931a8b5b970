"""Finds op files by family and name: a name exists because a file exists. Free of torch."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.errors import EqspecError

if TYPE_CHECKING:
    from types import ModuleType

FAMILIES = (
    "backbones",
    "heads",
    "decoders",
    "terms",
    "transforms",
    "masks",
    "datasets",
    "optimizers",
    "schedules",
    "evaluations",
)
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
    """Names of all ops of a family, sorted."""
    package = importlib.import_module(f"eqspec.ops.{family}")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__)))


def find_op(family: str, name: str) -> ModuleType:
    """The op's module.

    Raises:
        UnknownOp: when there is no such file.
    """
    known = op_names(family)
    if name not in known:
        raise UnknownOp(family, name, known=known)
    return importlib.import_module(f"eqspec.ops.{family}.{name}")


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
