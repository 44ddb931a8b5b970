"""Explanation of exhausted memory, of a device or of the machine."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch

from eqspec.errors import EqspecError

_CPU = "DefaultCPUAllocator"  # torch raises a plain RuntimeError that names it


@contextmanager
def within_memory() -> Generator[None]:
    """Turn exhausted memory inside the `with` block into an error with advice.

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
