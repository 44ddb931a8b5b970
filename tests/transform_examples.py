"""One example of every transform, with the paper's ranges, and images."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from eqspec.nn.random.philox import Draws
from eqspec.ops.find import find_transform, op_names

if TYPE_CHECKING:
    from eqspec.nn.pixels.path import At

EXAMPLES = MappingProxyType({name: find_transform(name).example for name in op_names("transforms")})
PATHS = tuple(name for name in EXAMPLES if find_transform(name).path)
GEOMETRIC_PATHS = tuple(n for n in PATHS if set(find_transform(n).names) <= {"angle", "tx", "ty"})
"""Those that move pixels and do nothing else."""


def example_params(name: str) -> Any:
    return find_transform(name).Params.model_validate(EXAMPLES[name])


def example_at(name: str, *, size: int = 32, border: str = "reflect") -> At:
    return find_transform(name).build(example_params(name), size=size, border=border)


def drawn_theta(name: str, *, batch: int, size: int = 32, seed: int = 0) -> torch.Tensor:
    """Parameters `[B, P]` drawn uniformly from the example's ranges, rounded to float32."""
    bounds = find_transform(name).ranges(example_params(name), size=size)
    low, high = np.array(bounds).reshape(-1, 2).T
    samples = np.arange(batch)
    share = Draws(seed=seed).uniform(name, step=0, samples=samples, view=1, count=len(bounds))
    return torch.from_numpy(low + share * (high - low)).float()


def noise(size: int = 32, *, batch: int = 3, seed: int = 0) -> torch.Tensor:
    """Images `[B, 3, size, size]` in [0, 1]: no two pixels alike."""
    return torch.rand(batch, 3, size, size, generator=torch.Generator().manual_seed(seed))
