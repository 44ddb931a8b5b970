"""Memory of live tensors, counted also for tensors without data."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Live(TorchDispatchMode):
    """Mode that follows the memory of tensors from their creation to their end.

    It sees the results of every operation, forward and backward, but not a kernel's own workspace.
    Tensors without data count as if they had some.

    Args:
        beside: tensors that exist anyway; memory shared with them is not counted.

    Attributes:
        now: bytes that are alive.
        peak: the highest value of `now` since `mark`.
    """

    def __init__(self, *, beside: Iterable[Tensor]) -> None:
        super().__init__()
        self.now = 0
        self.peak = 0
        self._beside = list(beside)  # alive as long as their addresses are compared
        self._known = {_address(tensor) for tensor in self._beside}

    def mark(self) -> None:
        """Forget earlier peaks."""
        self.peak = self.now

    def __torch_dispatch__(  # noqa: PLR0917 - torch's protocol
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - torch's protocol
        """Call the operation, and count its results."""
        results = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(results):
            if isinstance(tensor, Tensor):
                self._count(tensor)
        return results

    def _count(self, tensor: Tensor) -> None:
        address = _address(tensor)
        if address in self._known:
            return
        storage = tensor.untyped_storage()
        taken = storage.nbytes()
        self._known.add(address)
        weakref.finalize(storage, self._free, address, taken).atexit = False
        self.now += taken
        self.peak = max(self.peak, self.now)

    def _free(self, address: int, taken: int) -> None:
        self._known.discard(address)
        self.now -= taken


def size(tensors: Iterable[Tensor]) -> int:
    """Return the bytes of the memory of some tensors, shared memory once."""
    pieces = {_address(tensor): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(pieces.values())


def _address(tensor: Tensor) -> int:
    """Return a name of a tensor's memory, also if it has no data."""
    return tensor.untyped_storage()._cdata  # noqa: SLF001 - torch's own name for a storage
