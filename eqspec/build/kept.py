"""Counts what autograd keeps between forward and backward, on tensors that hold no data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode


class FusedAttention(TorchFunctionMode):
    """Attention as CPUs and GPUs compute it: the N × N matrix is never kept.

    Meta tensors would take the plain formula, which keeps it.
    """

    def __torch_function__(  # noqa: PLR0917 - torch's protocol
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - torch's protocol
        """Calls the fused kernel where attention without a mask is asked for."""
        named = dict(kwargs or {})
        if func is not scaled_dot_product_attention or named.get("attn_mask") is not None:
            return func(*args, **named)
        query, key, value = args[:3]
        fused = torch.ops.aten._scaled_dot_product_efficient_attention  # noqa: SLF001 - its name
        return fused(query, key, value, None, compute_log_sumexp=True)[0]


class Kept:
    """While open, notes every tensor that is kept for the backward pass.

    Args:
        beside: tensors that are there anyway; what shares their memory is not counted.

    Attributes:
        tensors: what was kept, one per piece of memory.
    """

    def __init__(self, *, beside: Iterable[Tensor]) -> None:
        self.tensors: list[Tensor] = []
        self._beside = list(beside)  # alive as long as their addresses are compared
        self._seen = {_address(tensor) for tensor in self._beside}
        self._hooks = saved_tensors_hooks(self._note, lambda tensor: tensor)

    @property
    def bytes(self) -> int:
        """Memory of all that was kept."""
        return size(self.tensors)

    def _note(self, tensor: Tensor) -> Tensor:
        address = _address(tensor)
        if address not in self._seen:
            self._seen.add(address)
            self.tensors.append(tensor.detach())
        return tensor

    def __enter__(self) -> Self:
        self._hooks.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hooks.__exit__(kind, error, trace)


def size(tensors: Iterable[Tensor]) -> int:
    """Bytes of the memory that tensors lie in, each piece once."""
    pieces = {_address(tensor): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(pieces.values())


def _address(tensor: Tensor) -> int:
    """Names a piece of memory, also where it holds no data."""
    return tensor.untyped_storage()._cdata  # noqa: SLF001 - torch's own name for a storage
