"""Words that stored results once used for the units of any data, read as those used now.

`crops` and `photos` were said of every dataset; the words of the data are the table's now, and the
record says `images` and `sources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator

_OVER: Mapping[str, str] = MappingProxyType({"crops": "images", "photos": "sources"})
_FACTS: Mapping[str, str] = MappingProxyType({"heldout_photos": "heldout_sources"})


def _group(group: dict[str, str]) -> dict[str, str]:
    over = group.get("interval", "")
    return group | {"interval": _OVER[over]} if over in _OVER else group


def _facts(facts: dict[str, Any]) -> dict[str, Any]:
    return {_FACTS.get(name, name): value for name, value in facts.items()}


Group = Annotated[dict[str, str], AfterValidator(_group)]
"""What a metric is a number of."""

Facts = Annotated[dict[str, Any], AfterValidator(_facts)]
"""On how much a result was measured."""
