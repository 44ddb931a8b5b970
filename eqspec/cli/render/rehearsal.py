"""A rehearsed step of one of several processes, as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqspec.cli.render.cost import size
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from eqspec.cli.render.graph import Row
    from eqspec.commands.plan import Described
    from eqspec.commands.planning.rehearsal import Collective


def rehearsal_rows(described: Described) -> list[Row]:
    """Return what one process needs and sends; no rows if nothing was rehearsed."""
    found = described.rehearsal
    if found is None:
        return []
    many = counted(found.devices, "device")
    return [
        ["devices", f"{many}, {counted(found.share, 'sample')} each; one step of rank 0 was taken"],
        ["memory", f"about {size(found.memory)} of tensors at its peak, without compilation"],
        *([one.name, _sent(one)] for one in found.collectives),
    ]


def _sent(one: Collective) -> str:
    return f"{counted(one.count, 'message')} with {size(one.bytes)} of {one.what} in each step"
