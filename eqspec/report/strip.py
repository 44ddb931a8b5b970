"""A strip: rows of small images under labelled columns, as one PNG. Does not import torch."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

STRIP = Path("figures", "reconstructions.png")
"""Path of the strip of reconstructions in a run folder."""

_SIDE = 128
"""Approximate side of an enlarged image, in pixels."""

_GAP = 4
_WIDE_GAP = 20
_FONT = 16
_LINE = _FONT + _GAP
_INK = (32, 32, 32)
_FAINT = (120, 120, 120)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a strip.

    Attributes:
        title: first line above the column.
        under: second line, fainter.
        pictures: uint8 `[rows, s, s, 3]`.
        apart: whether to leave a wider gap to the previous column.
    """

    title: str
    under: str
    pictures: np.ndarray
    apart: bool = False


def strip_png(columns: Sequence[Column], *, rows: Sequence[Sequence[str]]) -> bytes:
    """Return the strip as a PNG; images are enlarged without smoothing.

    Args:
        columns: at least one, all with the same number of images of one size.
        rows: the lines of the label before each row.
    """
    count, size = columns[0].pictures.shape[:2]
    side = size * max(1, round(_SIDE / size))
    font = ImageFont.load_default(size=_FONT)
    margin = round(max(font.getlength(line) for lines in rows for line in lines)) + 3 * _GAP
    lefts = _lefts(columns, start=margin, side=side)
    top = 2 * _LINE + 2 * _GAP
    sheet = Image.new("RGB", (lefts[-1] + side + _GAP, top + count * (side + _GAP)), "white")
    pen = ImageDraw.Draw(sheet)
    for column, left in zip(columns, lefts, strict=True):
        for line, (text, ink) in enumerate(((column.title, _INK), (column.under, _FAINT))):
            at = (left + side / 2, _GAP + line * _LINE)
            pen.text(at, text, fill=ink, font=font, anchor="ma")
        for row, pixels in enumerate(column.pictures):
            enlarged = Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
            sheet.paste(enlarged, (left, top + row * (side + _GAP)))
    for row, lines in enumerate(rows):
        middle = top + row * (side + _GAP) + side / 2
        for line, text in enumerate(lines):
            at = (margin - 2 * _GAP, middle + (line - (len(lines) - 1) / 2) * _LINE)
            pen.text(at, text, fill=_FAINT, font=font, anchor="rm")
    png = io.BytesIO()
    sheet.save(png, format="PNG", optimize=True)
    return png.getvalue()


def _lefts(columns: Sequence[Column], *, start: int, side: int) -> list[int]:
    """Return the left edge of every column."""
    gaps = (_WIDE_GAP if column.apart else _GAP for column in columns[1:])
    return list(accumulate((side + gap for gap in gaps), initial=start))
