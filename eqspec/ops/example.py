"""Small instances of ops, for tests that cover every op. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from eqspec.ops.op import BATCH, StreamType

NO_PARAMS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Example:
    """A small instance of an op that reads streams.

    Attributes:
        streams: the type of the stream at each port (a `many` port numbers its own: ``x.0`` …).
        params: as a card gives them.
        frozen: ports whose streams get no gradient.
        backend: of `torch.compile`; ``eager`` only captures the graph, for modules of many layers.
    """

    streams: Mapping[str, StreamType]
    params: Mapping[str, Any] = field(default_factory=lambda: NO_PARAMS)
    frozen: tuple[str, ...] = ()
    backend: str = "aot_eager"


def stream(
    axes: str,
    *sizes: int,
    dtype: str = "float",
    grid: tuple[int, int] | None = None,
    prefix: int = 0,
) -> StreamType:
    """Return the type of a stream: `stream("VBND", 2, 5, 6)` is [V=2, B, N=5, D=6]."""
    rest = iter(sizes)
    named = tuple(BATCH if axis == "B" else next(rest) for axis in axes)
    return StreamType(tuple(axes), named, prefix=prefix, grid=grid, dtype=dtype)
