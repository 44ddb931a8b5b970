"""Names of the features that evaluations read. Free of torch.

`encoder` is class token and mean patch, `class_token` the class token alone; `z_inv` and `z_equi`
are the pooled parts of an embedding split by a rewrite. `encoder_tokens`, `z_inv_tokens` and
`z_equi_tokens` are the patch tokens themselves, side by side: what is read from them and not from
the mean patch was lost by pooling.
"""

from __future__ import annotations

from typing import Literal

Row = Literal["encoder", "class_token", "z_inv", "z_equi"]

TokenRow = Literal["encoder_tokens", "z_inv_tokens", "z_equi_tokens"]

CELLS = 4
"""Patch tokens are averaged to a grid of at most so many rows and columns."""

ROWS: tuple[Row, ...] = ("encoder", "z_inv", "z_equi")
"""Rows that an evaluation of all features reads; `class_token` is a part of `encoder`."""

ENCODER: Row = "encoder"
CLASS_ALONE: Row = "class_token"

ENCODER_TOKENS: TokenRow = "encoder_tokens"
