"""Cards, ops and plugins that a plan depends on."""

from __future__ import annotations

from typing import Literal

from eqspec.compile.types.graph import Frozen


class Provenance(Frozen):
    """A card or an op on which the plan depends."""

    kind: Literal["card", "op"]
    family: str
    name: str
    rev: int
    sha256: str


class PluginInfo(Frozen):
    """An installed package that brings ops of the plan.

    Attributes:
        ops: those that are used, as ``family/name``.
    """

    name: str
    version: str
    ops: tuple[str, ...]
