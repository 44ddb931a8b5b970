"""Deterministic kernels on CUDA: a step repeated from the same state gives the same bits."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch.utils import deterministic

_FILL = "fill_uninitialized_memory"
"""Property of the module, unknown to its stubs: a debugging aid that costs time."""


@contextmanager
def deterministic_kernels(device: torch.device) -> Generator[None]:
    """Let torch choose only deterministic kernels; on the CPU all that are used already are.

    A kernel that sums with atomic additions (the backward of `gather`, of flash attention) gives
    other bits each time, and a resumed run would differ from one that was never stopped.

    cuBLAS needs `CUBLAS_WORKSPACE_CONFIG`, which `eqspec.__main__` sets.

    Raises:
        RuntimeError: within the context, an operation has no deterministic kernel.
    """
    if device.type != "cuda":
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    filled = getattr(deterministic, _FILL)
    torch.use_deterministic_algorithms(mode=True)
    setattr(deterministic, _FILL, False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(mode=before)
        setattr(deterministic, _FILL, filled)
