"""For every backbone, head and decoder: streams it can read, so that tests can call all in one way.

A new op needs a row in `EXAMPLES`; the contract test says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from eqspec.nn.layers.initialise import initialise
from eqspec.nn.world import World
from eqspec.ops.find import find_module
from eqspec.ops.op import BATCH, StreamType

SAMPLES = 4


@dataclass(frozen=True)
class Example:
    """Types of the connected streams, parameters, and how far the compile test goes."""

    streams: dict[str, StreamType]
    params: dict[str, Any] = field(default_factory=dict)
    backend: str = "aot_eager"


def stream(axes: str, *sizes: int, **facts: Any) -> StreamType:
    """`stream("VBND", 2, 5, 6)` is [V=2, B, N=5, D=6]."""
    rest = iter(sizes)
    named = tuple(BATCH if axis == "B" else next(rest) for axis in axes)
    return StreamType(axes=tuple(axes), sizes=named, **facts)


_IMAGES = stream("VBCHW", 2, 3, 16, 16)
_SMALL_IMAGES = stream("VBCHW", 2, 3, 8, 8)
_VIT = {"patch": 4, "width": 16, "depth": 1, "heads": 2}
_KEEP = stream("VBM", 2, 5, dtype="int", grid=(4, 4))
_PATCHES = stream("VBND", 2, 16, 6, grid=(4, 4))
_POOLED = stream("VBD", 2, 6)

EXAMPLES = MappingProxyType(
    {
        ("backbones", "vit", ""): Example({"images": _IMAGES}, _VIT | {"depth": 2}),
        ("backbones", "vit", "masked"): Example(
            {"images": _IMAGES, "mask": stream("VBN", 2, 16, dtype="bool", grid=(4, 4))},
            _VIT | {"mask_token": "zeros", "layer_scale": 0.1, "registers": 2},
        ),
        ("backbones", "vit", "kept and dropped"): Example(
            {"images": _IMAGES, "keep": _KEEP, "drop": stream("VBLP", 2, 1, 2)},
            _VIT | {"class_token": False, "positions": "sincos-x-first", "init": "xavier"},
        ),
        ("backbones", "vit", "local"): Example(
            {"images": _SMALL_IMAGES}, _VIT | {"image_size": 16, "pos_interp": "dino"}
        ),
        # Twenty batch norms cost ten seconds beyond the capture, and show no more than a head's.
        ("backbones", "resnet", ""): Example(
            {"images": _IMAGES}, {"depth": 18, "stem": "cifar"}, backend="eager"
        ),
        ("heads", "linear", ""): Example({"x": _PATCHES}, {"width": 5}),
        ("heads", "mlp", ""): Example({"x": _PATCHES}, {"widths": [8, 5], "activation": "gelu"}),
        ("heads", "mlp", "batch"): Example(
            {"x": _POOLED},
            {"widths": [8, 5], "norm": "batch", "last_norm": "batch", "normalise": True},
        ),
        ("heads", "weight_norm_linear", ""): Example(
            {"x": _PATCHES}, {"width": 5, "train_norm": True}
        ),
        ("heads", "hypernetwork", ""): Example(
            {"x": stream("BD", 6), "action": stream("BA", 3)}, {"bias": True}
        ),
        ("heads", "conditioned_mlp", ""): Example(
            {"x": stream("BD", 6), "action": stream("BD", 3)},
            {"last_bias": False, "last_norm": "batch-no-affine"},
        ),
        ("heads", "conditioned_mlp", "hidden"): Example(
            {"x": _POOLED, "action": stream("VBA", 2, 3)}, {"hidden": [8], "norm": "layer"}
        ),
        ("heads", "cross_attention", ""): Example(
            {"query": _PATCHES, "keys": stream("VBND", 2, 9, 6, grid=(3, 3))}, {"heads": 2}
        ),
        ("heads", "predictor", ""): Example(
            {
                "x": stream("VBND", 2, 5, 6),
                "context": _KEEP,
                "want": stream("VBTP", 2, 3, 2, dtype="int", grid=(4, 4)),
            },
            {"width": 8, "depth": 1, "heads": 2},
        ),
        ("heads", "predictor", "some"): Example(
            {
                "x": stream("VBND", 2, 5, 6),
                "context": _KEEP,
                "want": stream("VBTP", 2, 3, 2, dtype="int", grid=(4, 4)),
                "context_valid": stream("VBM", 2, 5, dtype="bool"),
                "want_valid": stream("VBTP", 2, 3, 2, dtype="bool"),
            },
            {"width": 8, "depth": 1, "heads": 2},
        ),
        ("decoders", "pixel_decoder", ""): Example(
            {"x": stream("BND", 16, 6, grid=(4, 4))}, {"image_size": 16}
        ),
        ("decoders", "mae_decoder", ""): Example(
            {"x": stream("VBND", 2, 6, 6, prefix=1), "keep": _KEEP},
            {"width": 8, "depth": 1, "heads": 2, "image_size": 16},
        ),
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
    def op(self) -> Any:
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
        made = self.on_meta().to_empty(device="cpu")
        initialise(made, seed=0, name=self.name)
        return made.double()

    def inputs(self, *, device: str = "cpu") -> dict[str, Any]:
        """Keywords for `forward`: V and B flattened, as the interpreter does."""
        made: dict[str, Any] = {
            port: _values(kind).to(device) for port, kind in self.example.streams.items()
        }
        if self.op.per_view:
            made["views"] = _views(next(iter(self.example.streams.values())))
        return made

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
