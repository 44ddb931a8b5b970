"""Lists of cards, ops and specs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from eqspec.cli.layout import aligned, heading
from eqspec.commands.list import OPS, SPECS, Entry

_WHERE = {
    "methods": "`method: {use: NAME}`",
    "equivariance": "`equivariance: {use: NAME, …}`",
    "backbones": "`backbone: {use: NAME}`",
    "datasets": "`data: {use: NAME}`",
    "augmentations": "`augment: {use: NAME}`",
    "transforms": "`transform: {use: NAME}` of an equivariance",
    "evaluations": "`evaluate: [{use: NAME}]`",
    OPS: "mechanisms that cards name: `impl: NAME`",
    SPECS: "`eqspec run NAME`",
}
