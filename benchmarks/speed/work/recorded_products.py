"""The matrix products and the attention of a training step, recorded and repeated alone.

What a step spends beyond them is normalisation, activations, copies and overhead: what a perfect
compiler would hide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_unflatten

PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "convolution", "convolution_backward", "linear")
ATTENTION = "_scaled_dot_product_"


@dataclass(frozen=True, slots=True)
class Like:
    """Size, strides and type of a tensor."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    @property
    def extent(self) -> int:
        """Numbers of memory that it covers."""
        steps = ((n - 1) * s for n, s in zip(self.shape, self.stride, strict=True))
        return 1 + sum(steps) if all(self.shape) else 0


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an operation, with descriptions in place of tensors."""

    operation: Any
    leaves: tuple[Any, ...]
    structure: Any

    @property
    def attention(self) -> bool:
        """Whether it is (part of) fused attention."""
        return self.operation.__name__.startswith(ATTENTION)


@dataclass(slots=True)
class Recorder(TorchDispatchMode):
    """Records matrix products and attention inside the `with` block."""

    calls: list[Call] = field(default_factory=list[Call])

    def __post_init__(self) -> None:
        TorchDispatchMode.__init__(self)

    def __torch_dispatch__(  # noqa: PLR0917 - the protocol of torch
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Note a call, then do it."""
        name = func.__name__.partition(".")[0]
        if name in PRODUCTS or name.startswith(ATTENTION):
            leaves, structure = tree_flatten((args, kwargs or {}))
            described = tuple(_described(x) if isinstance(x, Tensor) else x for x in leaves)
            self.calls.append(Call(func, described, structure))
        return func(*args, **(kwargs or {}))


def _described(x: Tensor) -> Like:
    return Like(tuple(x.shape), tuple(x.stride()), x.dtype, x.device)


class Repeated:
    """Recorded calls on numbers of their own; those of one description share their memory."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._memory: dict[tuple[Like, int], Tensor] = {}
        self.calls = [self._bound(call) for call in calls]

    def __call__(self) -> None:
        """Do all calls, with nothing in between."""
        for call in self.calls:
            call()

    def _bound(self, call: Call) -> Callable[[], object]:
        leaves = [
            self._tensor(x, number) if isinstance(x, Like) else x
            for number, x in enumerate(call.leaves)
        ]
        args, kwargs = tree_unflatten(leaves, call.structure)
        return lambda: call.operation(*args, **kwargs)

    def _tensor(self, like: Like, number: int) -> Tensor:
        if (like, number) not in self._memory:
            self._memory[like, number] = _numbers(like)
        return self._memory[like, number]


def _numbers(like: Like) -> Tensor:
    """Return small numbers in the layout of a tensor; 1 for integers, such as seeds."""
    count = max(like.extent, 1)
    if not like.dtype.is_floating_point:
        return torch.ones(count, dtype=like.dtype, device=like.device).as_strided(
            like.shape, like.stride
        )
    generator = torch.Generator(like.device).manual_seed(0)
    drawn = 0.1 * torch.randn(count, device=like.device, generator=generator)
    return drawn.to(like.dtype).as_strided(like.shape, like.stride)


def fastest(calls: Sequence[Call]) -> Repeated:
    """Return the calls, with attention in the faster of its own precision and fp32."""
    low = [call for call in calls if call.attention and _is_low(call)]
    if not low or torch.cuda.is_available():
        return Repeated(calls)
    as_is, raised = (_time(Repeated(c)) for c in (low, [_raised(call) for call in low]))
    if as_is <= raised:
        return Repeated(calls)
    return Repeated([_raised(call) if call in low else call for call in calls])


def _is_low(call: Call) -> bool:
    return any(isinstance(x, Like) and x.dtype == torch.bfloat16 for x in call.leaves)


def _raised(call: Call) -> Call:
    """Return a call in fp32."""

    def raised(x: Any) -> Any:
        low = isinstance(x, Like) and x.dtype == torch.bfloat16
        return Like(x.shape, x.stride, torch.float32, x.device) if low else x

    return Call(call.operation, tuple(raised(x) for x in call.leaves), call.structure)


def _time(work: Callable[[], None]) -> float:
    work()
    taken: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)
