"""Deterministic inputs of the reference tests: M[i, j] = sin(0.37·i·j + phase)."""

from __future__ import annotations

import numpy as np
import torch


def wave(rows: int, columns: int, phase: float) -> torch.Tensor:
    """M `[rows, columns]` in float64; i and j count from 1."""
    i, j = np.arange(1, rows + 1)[:, None], np.arange(1, columns + 1)[None, :]
    return torch.from_numpy(np.sin(0.37 * i * j + phase))
