"""Names of the pooled features that evaluations read. Free of torch.

`encoder` is class token and mean patch; `z_inv` and `z_equi` are the pooled parts of an embedding
split by a rewrite.
"""

from __future__ import annotations

from typing import Literal

Row = Literal["encoder", "z_inv", "z_equi"]

ROWS: tuple[Row, ...] = ("encoder", "z_inv", "z_equi")
