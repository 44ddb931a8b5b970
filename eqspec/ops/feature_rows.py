"""Names of the pooled features that evaluations read. Free of torch.

`encoder` is class token and mean patch, `class_token` the class token alone; `z_inv` and `z_equi`
are the pooled parts of an embedding split by a rewrite.
"""

from __future__ import annotations

from typing import Literal

Row = Literal["encoder", "class_token", "z_inv", "z_equi"]

ROWS: tuple[Row, ...] = ("encoder", "z_inv", "z_equi")
"""Rows that an evaluation of all features reads; `class_token` is a part of `encoder`."""

ENCODER: Row = "encoder"
CLASS_ALONE: Row = "class_token"
