"""Evaluation results in a run folder: numbers as JSON, per-sample values as arrays beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eqspec.runs.artifacts import read_text, replacing, write_json

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np


@dataclass(frozen=True, slots=True)
class Stored:
    """A result as it lies in a folder.

    Attributes:
        summary: metrics and facts, plain data.
        arrays: per-sample values.
    """

    summary: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]


def save_result(folder: Path, *, name: str, stored: Stored) -> None:
    """Writes `<name>.npz` and then `<name>.json`, whose existence says that both are complete."""
    import numpy as np

    with replacing(folder / f"{name}.npz") as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **stored.arrays)
    write_json(folder / f"{name}.json", value=dict(stored.summary))


def load_result(folder: Path, *, name: str) -> Stored | None:
    """A stored result, or None when there is none (or it was not completed)."""
    import numpy as np

    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
        held = {key: arrays[key] for key in arrays.files}
    return Stored(summary=json.loads(read_text(path)), arrays=held)
