"""One example of every relation between stored views, reading seven latents."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from eqspec.ops.find import find_relation

EXAMPLES: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {"relative_rotation": {"angles": [0, 1, 2], "differences": [3, 6]}}
)


def example_params(name: str) -> Any:
    return find_relation(name).Params.model_validate(EXAMPLES[name])
