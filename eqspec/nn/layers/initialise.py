"""Initial values: every parameter and buffer is filled by a rule, from a stream of its own.

The stream of a tensor is keyed by (seed, its full name), so adding a module moves nothing else,
two builds are equal bit for bit, and a wider layer starts with the rows of a narrower one.

A module says which rules its tensors want in a method `initial_values`, which may name tensors of
the modules below it; what an outer module says wins. Tensors that nobody names get torch's default
for the type of their layer.
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
    """Normal with mean zero.

    Papers that say "truncated normal, std 0.02" cut at ±2, a hundred standard deviations out.
    """

    std: float


@dataclass(frozen=True, slots=True)
class Uniform:
    """Uniform over [-bound, bound)."""

    bound: float


@dataclass(frozen=True, slots=True)
class Constant:
    """One value everywhere."""

    value: float


@dataclass(frozen=True, slots=True)
class Exactly:
    """Computed content, such as fixed positions; as precise as it comes, rounded when filled in."""

    values: Tensor


Rule = Normal | Uniform | Constant | Exactly


@runtime_checkable
class StatesInitialValues(Protocol):
    """A module that says how its tensors, or some of them, start."""

    def initial_values(self) -> Mapping[str, Rule]:
        """Rules by tensor name, relative to the module."""
        ...


def initialise(module: nn.Module, *, seed: int, name: str) -> None:
    """Fills every parameter and every buffer of `module`, in place.

    Also for modules that were built on the meta device and moved with `to_empty`.

    Args:
        module: what to fill.
        seed: the run's seed.
        name: the module's name in the graph; tensors are keyed by `name` and their name within.

    Raises:
        LookupError: when no rule says how a tensor starts.
    """
    rules = rules_of(module)
    for local, tensor in itertools.chain(module.named_parameters(), module.named_buffers()):
        if local not in rules:
            raise LookupError(
                f"nothing says how `{name}.{local}` starts: name it in an `initial_values` method"
            )
        with torch.no_grad():
            tensor.copy_(_values(rules[local], tensor.shape, seed=seed, name=f"{name}.{local}"))


def rules_of(module: nn.Module) -> dict[str, Rule]:
    """The rule of every tensor below `module`, by its name."""
    rules: dict[str, Rule] = {}
    for prefix, part in module.named_modules():
        stated = part.initial_values() if isinstance(part, StatesInitialValues) else _usual(part)
        for name, rule in stated.items():
            rules.setdefault(f"{prefix}.{name}" if prefix else name, rule)
    return rules


def normal_linears(module: nn.Module, *, std: float) -> dict[str, Rule]:
    """For every Linear below `module`: normal weights, zero biases."""
    return {
        f"{prefix}.{name}": Normal(std) if name == "weight" else Constant(0.0)
        for prefix, linear in _linears(module)
        for name, _ in linear.named_parameters()
    }


def xavier_linears(module: nn.Module) -> dict[str, Rule]:
    """For every Linear below `module`: Xavier-uniform weights, zero biases.

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


def _usual(module: nn.Module) -> dict[str, Rule]:
    """What torch's own constructor does."""
    rule: Rule
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        rule = Uniform(1.0 / math.sqrt(module.weight[0].numel()))
        return {name: rule for name, _ in module.named_parameters(recurse=False)}
    if isinstance(module, nn.LayerNorm):
        return {"weight": Constant(1.0), "bias": Constant(0.0)}
    return {}


def _values(rule: Rule, shape: torch.Size, *, seed: int, name: str) -> Tensor:
    """What the rule gives, in float64 on the CPU: rounded once, when it is copied."""
    if isinstance(rule, Exactly):
        return rule.values
    if isinstance(rule, Constant):
        return torch.full(shape, rule.value, dtype=torch.float64)
    unit = torch.rand(shape, generator=_generator(seed=seed, name=name), dtype=torch.float64)
    if isinstance(rule, Uniform):
        return (2.0 * unit - 1.0) * rule.bound
    # By inverse distribution function, since torch's own normal draws pair up distant entries.
    return torch.special.ndtri(unit.clamp_min(2.0**-54)) * rule.std


def _generator(*, seed: int, name: str) -> torch.Generator:
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))
