"""Example input streams of every term."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import torch

from eqspec.nn.world import World
from eqspec.ops.find import find_term, op_names
from eqspec.ops.op import StreamType, scheduled_fields

TEMPERATURE = 0.07
"""The teacher's temperature in the examples of terms that distil."""

EXAMPLES = MappingProxyType(
    {
        (name, variant): example
        for name in op_names("terms")
        for variant, example in find_term(name).examples.items()
    }
)


def build(key: tuple[str, str], *, world: World | None = None) -> torch.nn.Module:
    """The module of an example."""
    op, example = find_term(key[0]), EXAMPLES[key]
    params = op.Params.model_validate(example.params)
    return op.build(params, example.streams, world=world or World())


def tensors(
    key: tuple[str, str], *, batch: int, dtype: torch.dtype, seed: int = 0
) -> dict[str, Any]:
    """A tensor per stream, floats in about [-2, 2], drawn from a generator of its own."""
    generator = torch.Generator().manual_seed(seed)
    return {
        port: _tensor(kind, batch=batch, dtype=dtype, generator=generator)
        for port, kind in EXAMPLES[key].streams.items()
    }


def _tensor(
    kind: StreamType, *, batch: int, dtype: torch.dtype, generator: torch.Generator
) -> torch.Tensor:
    shape = kind.shape(batch=batch)
    if kind.dtype == "bool":
        return torch.rand(shape, generator=generator) < 0.5
    if kind.dtype == "int":
        if kind.grid is None:  # classes, of as many as every example has logits
            return torch.arange(math.prod(shape)).reshape(shape) % 4
        noise = torch.rand((*shape[:-1], kind.grid[0] * kind.grid[1]), generator=generator)
        return noise.argsort(dim=-1)[..., : shape[-1]]
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def call(
    key: tuple[str, str],
    term: torch.nn.Module,
    streams: dict[str, Any],
    *,
    schedules: torch.dtype = torch.float32,
) -> torch.Tensor:
    """The term's value; numbered streams go to their `many` port, schedules come as tensors."""
    op = find_term(key[0])
    ports: dict[str, Any] = {}
    for port in op.ports:
        many = tuple(t for name, t in streams.items() if name.startswith(f"{port.name}."))
        if port.many or port.name in streams:
            ports[port.name] = many if port.many else streams[port.name]
    some = next(iter(streams.values()))
    scheduled = {
        name: torch.tensor(EXAMPLES[key].params[name], dtype=schedules, device=some.device)
        for name in scheduled_fields(op.Params)
    }
    return term(**ports, **scheduled)
