"""Memory that ends, in words: on the device and on the processor alike."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch

from eqspec.errors import EqspecError

_CPU = "DefaultCPUAllocator"  # torch says it in a RuntimeError without a type of its own


@contextmanager
def within_memory() -> Generator[None]:
    """What is done inside ends with a plain error where memory does.

    Raises:
        EqspecError: out of memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        known = isinstance(error, (torch.OutOfMemoryError, MemoryError))
        if not known and _CPU not in str(error):
            raise
        raise EqspecError(
            "out of memory",
            help="a training needs less, for the same numbers, with "
            "--set machine.micro_batches=2 or more; else choose a smaller image or model",
        ) from error
