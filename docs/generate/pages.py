"""The generated pages by their path below docs/."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from docs.generate import cards, codes, commands, contracts, fields, ops


@cache
def generated() -> Mapping[str, str]:
    """Return the Markdown of every generated page."""
    return MappingProxyType(
        {
            "reference/commands.md": commands.page(),
            "reference/fields.md": fields.page(),
            "reference/cards.md": cards.page(),
            "reference/ops.md": ops.page(),
            "reference/contracts.md": contracts.page(),
            "reference/codes.md": codes.page(),
        }
    )
