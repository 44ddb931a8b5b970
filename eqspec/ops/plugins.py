"""Ops of installed packages: entry points of the group `eqspec.ops`, named `<family>.<name>`.

    [project.entry-points."eqspec.ops"]
    "terms.hinge" = "my_package.hinge"

A spec refers to such an op by its bare name, like any other: it can choose among installed ops, but
cannot specify code. A plugin cannot take the name of an op that ships with eqspec.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from itertools import pairwise
from typing import TYPE_CHECKING

from eqspec.errors import UsageError
from eqspec.spec.use import is_bare

if TYPE_CHECKING:
    from types import ModuleType

GROUP = "eqspec.ops"


@dataclass(frozen=True, slots=True)
class Plugin:
    """One op of an installed package.

    Attributes:
        package: the distribution that provides it.
        version: version of the distribution.
        module: the op's module, by its dotted path.
    """

    family: str
    name: str
    package: str
    version: str
    module: str

    def __str__(self) -> str:
        return f"the op `{self.family}.{self.name}` of `{self.package}` {self.version}"


def plugins(families: tuple[str, ...]) -> tuple[Plugin, ...]:
    """Return the ops of all installed packages, sorted by family and name.

    Raises:
        UsageError: an entry point has a malformed name, or two packages provide the same op.
    """
    found = sorted(_declared(tuple(sys.path)), key=lambda p: (p.family, p.name, p.package))
    for plugin in found:
        if plugin.family not in families or not is_bare(plugin.name):
            raise UsageError(
                f"the package `{plugin.package}` names an op `{plugin.family}.{plugin.name}`",
                help=f"an entry point is `<family>.<name>`; families: {', '.join(families)}",
            )
    for one, other in pairwise(found):
        if (one.family, one.name) == (other.family, other.name):
            raise UsageError(
                f"the packages `{one.package}` and `{other.package}` both provide "
                f"`{one.family}.{one.name}`",
                help="uninstall one of them",
            )
    return tuple(found)


def load(plugin: Plugin) -> ModuleType:
    """Import the module of a plugin.

    Raises:
        UsageError: the package cannot be imported.
    """
    try:
        return importlib.import_module(plugin.module)
    except Exception as error:  # the package's own code runs here, and may raise anything
        raise UsageError(f"{plugin} cannot be imported: {error}") from error


@lru_cache(maxsize=4)
def _declared(path: tuple[str, ...]) -> tuple[Plugin, ...]:  # noqa: ARG001 - the key of the cache
    """Return all entry points of the group, cached by the interpreter's search path."""
    return tuple(
        _plugin(point) for point in {(p.name, p.value): p for p in _entry_points()}.values()
    )


def _entry_points() -> metadata.EntryPoints:
    return metadata.entry_points(group=GROUP)


def _plugin(point: metadata.EntryPoint) -> Plugin:
    family, _, name = point.name.partition(".")
    package = point.dist
    return Plugin(
        family=family,
        name=name,
        package="?" if package is None else package.name,
        version="?" if package is None else package.version,
        module=point.value,
    )
