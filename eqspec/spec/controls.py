"""`compare: controls`: the two runs that separate the causes of what a rewrite changes.

A method with a rewrite differs from the plain method in two ways: one of its views is transformed,
and it is trained on an added loss. `lambda0` has the views and not the loss, `plain` has neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Controls = Literal["controls"]

CONTROLS: Controls = "controls"

CONTROL_VARIANTS: Mapping[str, Mapping[str, str | int]] = MappingProxyType(
    {"plain": {"equivariance": "none"}, "lambda0": {"equivariance.lambda": 0}}
)
"""Their names in the order of running, each with its overrides by dotted path."""

MEANT = frozenset({"EQ501"})
"""Codes of warnings about what a variant may be there to show, such as λ = 0."""
