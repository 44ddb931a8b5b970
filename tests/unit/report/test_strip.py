from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from eqspec.report.reconstructions import chosen_rows
from eqspec.report.strip import Column, strip_png


def test_pictures_are_enlarged_without_smoothing() -> None:
    pictures = np.zeros((2, 4, 4, 3), np.uint8)
    pictures[1, 0, 0] = (255, 0, 0)
    columns = [Column("a", "b", pictures), Column("c", "d", pictures, apart=True)]
    png = strip_png(columns, rows=[("angle +3",), ("angle -3", "tx 1")])
    sheet = np.asarray(Image.open(io.BytesIO(png)))
    red = (sheet == (255, 0, 0)).all(axis=-1)
    # One pixel of four becomes a square of 32, once per column; labels have other colours.
    assert red.sum() == 2 * 32 * 32
    rows, columns_found = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert len(rows) == 32
    assert len(columns_found) == 64
    assert columns_found[32] - columns_found[31] - 1 == (128 - 32) + 20


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ([0] * 10 + [1] * 10 + [2] * 10, [2, 7, 12, 17, 22, 27]),
        (list(range(600)), [50, 150, 250, 350, 450, 550]),
        ([5, 5, 9], [0, 1, 2]),
        ([0], [0]),
    ],
)
def test_every_photograph_is_shown_and_none_twice(sources: list[int], expected: list[int]) -> None:
    assert chosen_rows(np.array(sources)).tolist() == expected
