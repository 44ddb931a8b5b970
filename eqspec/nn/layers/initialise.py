"""Initialisation: every parameter and buffer is filled by a rule, from a random stream of its own.

The stream of a tensor is keyed by (seed, full name). So adding a module changes no other tensor,
two builds are equal bit for bit, and a wider layer starts with the rows of a narrower one.

A module defines the rules of its tensors in a method `initial_values`, which may include tensors of
its submodules; the rules of an outer module win. Tensors without a rule get torch's default for the
type of their layer.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal distribution with mean zero.

    The "truncated normal, std 0.02" of many papers truncates at ±2, which is 100 standard
    deviations, so it is this distribution.
    """

    std: float


@dataclass(frozen=True, slots=True)
class Uniform:
    """Uniform distribution over [-bound, bound)."""

    bound: float


@dataclass(frozen=True, slots=True)
class Constant:
    """Constant value."""

    value: float


@dataclass(frozen=True, slots=True)
class Exactly:
    """Computed values, such as fixed positions, rounded to the dtype of the tensor."""

    values: Tensor


Rule = Normal | Uniform | Constant | Exactly


@runtime_checkable
class HasInitialValues(Protocol):
    """Module that defines the initial values of some of its tensors."""

    def initial_values(self) -> Mapping[str, Rule]:
        """Return rules by tensor name, relative to the module."""
        ...


def initialise(module: nn.Module, *, seed: int, name: str) -> None:
    """Fill every parameter and buffer of `module` in place.

    Also works for modules built on the meta device and moved with `to_empty`.

    Args:
        module: the module to initialise.
        seed: seed of the run.
        name: name of the module in the graph, the prefix of the keys of its tensors.

    Raises:
        LookupError: when a tensor has no rule.
    """
    rules = rules_of(module)
    for local, tensor in itertools.chain(module.named_parameters(), module.named_buffers()):
        if local not in rules:
            raise LookupError(
                f"`{name}.{local}` has no initial value: name it in an `initial_values` method"
            )
        with torch.no_grad():
            tensor.copy_(_values(rules[local], tensor.shape, seed=seed, name=f"{name}.{local}"))


def rules_of(module: nn.Module) -> dict[str, Rule]:
    """Return the rule of every tensor in `module` by its name."""
    rules: dict[str, Rule] = {}
    for prefix, part in module.named_modules():
        own = part.initial_values() if isinstance(part, HasInitialValues) else _torch_default(part)
        for name, rule in own.items():
            rules.setdefault(f"{prefix}.{name}" if prefix else name, rule)
    return rules


def normal_linears(module: nn.Module, *, std: float) -> dict[str, Rule]:
    """Return normal weights and zero biases for every Linear in `module`."""
    return {
        f"{prefix}.{name}": Normal(std) if name == "weight" else Constant(0.0)
        for prefix, linear in _linears(module)
        for name, _ in linear.named_parameters()
    }


def xavier_linears(module: nn.Module) -> dict[str, Rule]:
    """Return Xavier-uniform weights and zero biases for every Linear in `module`.

    A `qkv` layer counts as three matrices (MoCo v3, arXiv:2104.02057).
    """
    rules: dict[str, Rule] = {}
    for prefix, linear in _linears(module):
        matrices = 3 if prefix.endswith("qkv") else 1
        fans = linear.in_features + linear.out_features // matrices
        rules[f"{prefix}.weight"] = Uniform(math.sqrt(6.0 / fans))
        if linear.bias is not None:
            rules[f"{prefix}.bias"] = Constant(0.0)
    return rules


def _linears(module: nn.Module) -> list[tuple[str, nn.Linear]]:
    return [(name, part) for name, part in module.named_modules() if isinstance(part, nn.Linear)]


def _torch_default(module: nn.Module) -> dict[str, Rule]:
    """Return the initial values that torch's constructor uses."""
    rule: Rule
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        rule = Uniform(1.0 / math.sqrt(module.weight[0].numel()))
        return {name: rule for name, _ in module.named_parameters(recurse=False)}
    if isinstance(module, nn.LayerNorm):
        return {"weight": Constant(1.0), "bias": Constant(0.0)}
    return {}


def _values(rule: Rule, shape: torch.Size, *, seed: int, name: str) -> Tensor:
    """Return the values of a rule in float64 on the CPU, rounded once when they are copied."""
    if isinstance(rule, Exactly):
        return rule.values
    if isinstance(rule, Constant):
        return torch.full(shape, rule.value, dtype=torch.float64)
    unit = torch.rand(shape, generator=_generator(seed=seed, name=name), dtype=torch.float64)
    if isinstance(rule, Uniform):
        return (2.0 * unit - 1.0) * rule.bound
    # By the inverse distribution function, since torch's normal draws pair up distant entries.
    return torch.special.ndtri(unit.clamp_min(2.0**-54)) * rule.std


def _generator(*, seed: int, name: str) -> torch.Generator:
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))
