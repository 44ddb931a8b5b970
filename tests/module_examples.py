"""Example input streams of every backbone, head and decoder."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from eqspec.nn.layers.initialise import initialise
from eqspec.nn.world import World
from eqspec.ops.contract.graph import ModuleOp
from eqspec.ops.example import Example
from eqspec.ops.find import MODULES, find_module, op_names
from eqspec.ops.op import StreamType

SAMPLES = 4


EXAMPLES = MappingProxyType(
    {
        (family, name, variant): example
        for family in MODULES
        for name in op_names(family)
        for variant, example in find_module(family, name).examples.items()
    }
)


@dataclass(frozen=True)
class Case:
    """An op with one of its examples."""

    family: str
    name: str
    variant: str

    def __str__(self) -> str:
        return f"{self.name} {self.variant}".strip()

    @property
    def op(self) -> ModuleOp:
        return find_module(self.family, self.name)

    @property
    def example(self) -> Example:
        return EXAMPLES[self.family, self.name, self.variant]

    @property
    def params(self) -> Any:
        return self.op.Params.model_validate(self.example.params)

    def on_meta(self) -> torch.nn.Module:
        """The module, without values."""
        with torch.device("meta"):
            return self.op.build(self.params, self.example.streams, world=World())

    def module(self) -> torch.nn.Module:
        """The module in float64, initialised."""
        built = self.on_meta().to_empty(device="cpu")
        initialise(built, seed=0, name=self.name)
        return built.double()

    def inputs(self, *, device: str = "cpu") -> dict[str, Any]:
        """Keywords for `forward`: V and B flattened, as the interpreter does."""
        built: dict[str, Any] = {
            port: _values(kind).to(device) for port, kind in self.example.streams.items()
        }
        if self.op.per_view:
            built["views"] = _views(next(iter(self.example.streams.values())))
        return built

    def wanted_shape(self) -> tuple[int, ...]:
        """What `shapes` promises, V and B flattened."""
        return flattened(self.op.shapes(self.params, self.example.streams))


def _views(kind: StreamType) -> int:
    return kind.size("V") if "V" in kind.axes else 1


def flattened(kind: StreamType) -> tuple[int, ...]:
    """The shape of a stream with V and B made one."""
    shape = kind.shape(batch=SAMPLES)
    return (shape[0] * shape[1], *shape[2:]) if "V" in kind.axes else shape


def _values(kind: StreamType) -> torch.Tensor:
    """Distinct ids, alternating masks, or waves."""
    shape = flattened(kind)
    count = int(np.prod(shape))
    if kind.dtype == "int":
        assert kind.grid is not None, "ids stand on a grid"
        return (7 * torch.arange(count) % (kind.grid[0] * kind.grid[1])).reshape(shape)
    if kind.dtype == "bool":
        return (torch.arange(count) % 3 == 0).reshape(shape)
    return torch.sin(0.7 * torch.arange(count, dtype=torch.float64) ** 1.5).reshape(shape)
