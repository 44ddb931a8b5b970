"""Memory that ends is explained, whichever allocator says so; other errors stay what they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from eqspec.commands.running.out_of_memory import within_memory
from eqspec.errors import EqspecError


def _device() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize(
    "take",
    [
        pytest.param(lambda: torch.empty(1 << 56), id="torch"),
        pytest.param(lambda: np.empty(1 << 56), id="numpy"),
        pytest.param(_device, id="device"),
    ],
)
def test_it_is_said_in_words(take: Callable[[], object]) -> None:
    with pytest.raises(EqspecError, match=r"^out of memory$") as caught, within_memory():
        take()
    assert "machine.micro_batches" in (caught.value.help or "")


def test_another_error_is_not_called_one_of_memory() -> None:
    with pytest.raises(RuntimeError, match="must match"), within_memory():
        torch.ones(2) + torch.ones(3)
