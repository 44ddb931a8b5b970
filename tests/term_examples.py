"""For every term: streams it can read, so that tests can call all of them in one way.

A new term needs a row in `EXAMPLES`; the contract test says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch

from eqspec.nn.world import World
from eqspec.ops.find import find_term
from eqspec.ops.op import BATCH, StreamType, scheduled_fields

TEMPERATURE = 0.07


def stream(axes: str, *sizes: int, dtype: str = "float", grid: Any = None) -> StreamType:
    """`stream("VBD", 2, 6)` is [V=2, B, D=6]."""
    rest = iter(sizes)
    named = tuple(BATCH if axis == "B" else next(rest) for axis in axes)
    return StreamType(axes=tuple(axes), sizes=named, grid=grid, dtype=dtype)


@dataclass(frozen=True)
class Example:
    """Streams and parameters of a term; `frozen` names the ports that get no gradient."""

    streams: dict[str, StreamType]
    params: dict[str, Any] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()


_TWO = stream("VBD", 2, 6)
_PATCHES = stream("VBND", 2, 5, 7)
_GATHERED = stream("VBMD", 2, 3, 7)
_MASKED = {"teacher_temp": TEMPERATURE, "centre": 0.9}
_CROPS = {"student.0": stream("VBD", 2, 7), "student.1": stream("VBD", 3, 7)}
_ORDERS = {"predictions.0": stream("BD", 4), "predictions.1": stream("BD", 4)}
_BLOCKS = stream("VBTPD", 1, 4, 6, 5)

EXAMPLES = MappingProxyType(
    {
        ("invariance", ""): Example({"x": _TWO}),
        ("variance", ""): Example({"x": _TWO}),
        ("variance", "one stream"): Example({"x": stream("BD", 6)}),
        ("covariance", ""): Example({"x": _TWO}),
        ("mse", ""): Example({"x": stream("BD", 6), "y": stream("BD", 6)}),
        ("mse", "images"): Example(
            {"x": stream("KBCHW", 2, 3, 4, 4), "y": stream("KBCHW", 2, 3, 4, 4)},
            {"reduction": "mean-over-variance", "variance": 0.07},
        ),
        ("masked_patch_mse", ""): Example(
            {
                "prediction": stream("VBND", 1, 16, 12, grid=(4, 4)),
                "images": stream("VBCHW", 1, 3, 8, 8),
                "keep": stream("VBM", 1, 4, dtype="int", grid=(4, 4)),
            },
            {"norm_pix": True},
        ),
        ("smooth_l1", ""): Example(
            {"x": _BLOCKS, "y": _BLOCKS}, {"target_norm": "layer"}, frozen=("y",)
        ),
        ("smooth_l1", "some"): Example(
            {"x": _BLOCKS, "y": _BLOCKS, "valid": stream("VBTP", 1, 4, 6, dtype="bool")},
            {"target_norm": "layer"},
            frozen=("y",),
        ),
        ("self_distillation", ""): Example(
            {**_CROPS, "teacher": stream("VBD", 2, 7)}, _MASKED, frozen=("teacher",)
        ),
        ("self_distillation", "sinkhorn"): Example(
            {**_CROPS, "teacher": stream("VBD", 2, 7)},
            {"teacher_temp": TEMPERATURE, "centring": "sinkhorn", "pairs": "all"},
            frozen=("teacher",),
        ),
        ("masked_distillation", ""): Example(
            {
                "student": _PATCHES,
                "teacher": _PATCHES,
                "mask": stream("VBN", 2, 5, dtype="bool"),
            },
            _MASKED,
            frozen=("teacher",),
        ),
        ("masked_distillation", "gathered"): Example(
            {
                "student": _GATHERED,
                "teacher": _GATHERED,
                "mask": stream("VBM", 2, 3, dtype="bool"),
            },
            {**_MASKED, "centre_of": "masked"},
            frozen=("teacher",),
        ),
        ("masked_distillation", "sinkhorn"): Example(
            {
                "student": _GATHERED,
                "teacher": _GATHERED,
                "mask": stream("VBM", 2, 3, dtype="bool"),
            },
            {"teacher_temp": TEMPERATURE, "centring": "sinkhorn"},
            frozen=("teacher",),
        ),
        ("koleo", ""): Example({"x": _TWO}),
        ("koleo", "groups"): Example({"x": _TWO}, {"group": 2}),
        ("info_nce", ""): Example({"x": _TWO}, {"temperature": 0.1}),
        ("contrastive", ""): Example(
            {"queries": _TWO, "keys": _TWO}, {"temperature": 0.2}, frozen=("keys",)
        ),
        ("paired_contrast", ""): Example(
            {
                "predictions.0": stream("BD", 6),
                "predictions.1": stream("BD", 6),
                "targets": _TWO,
            },
            {"temperature": 0.2},
        ),
        ("parameter_difference", ""): Example(
            {**_ORDERS, "parameters": stream("VBD", 2, 4)}, frozen=("parameters",)
        ),
        ("crop_difference", ""): Example(
            {**_ORDERS, "crop": stream("VBD", 2, 4), "flip": stream("VBD", 2, 1)},
            frozen=("crop", "flip"),
        ),
        ("view_classification", ""): Example({"x": stream("VBD", 4, 4)}),
        ("cross_correlation", ""): Example({"x": _TWO}, {"off_diagonal": 0.0051}),
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
        assert kind.grid is not None
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
