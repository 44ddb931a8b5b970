"""One example of every relation between stored views, with seven latents."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from eqspec.ops.find import find_relation, op_names

EXAMPLES = MappingProxyType({name: find_relation(name).example for name in op_names("relations")})


def example_params(name: str) -> Any:
    return find_relation(name).Params.model_validate(EXAMPLES[name])
