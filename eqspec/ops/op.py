"""Parameters, ports and stream types of ops. Free of torch.

An op is one Python file. At module level, and without torch, it declares a docstring, `rev`,
`Params` and what the contract of its family asks for (`eqspec.ops.contract`); functions that need
torch import it inside. `eqspec.ops.find` looks an op up by family and name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field

from eqspec.spec.numbers import NotNegative
from eqspec.spec.rate import Rate
from eqspec.spec.use import OpCall

BATCH = 0
"""Size of the B axis in a `StreamType`: known only when a batch arrives."""


class OpParams(BaseModel):
    """The parameters of an op: frozen, unknown names refused, JSON both ways."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )


class NoParams(OpParams):
    """For ops that have nothing to set."""


_T = TypeVar("_T")

Scheduled = Annotated[_T | OpCall, "scheduled"]
"""A number, or a schedule (`{impl: linear, params: …}`) that stays within the number's limits:
`Scheduled[NotNegative]`. Always reaches the op's forward as a keyword holding a 0-dim float32
tensor, so that a changing value never recompiles the graph."""


HowItRuns = Annotated[_T, "how-it-runs"]
"""A parameter on which no number depends: where something may be fetched from, how much damage is
borne. It stays out of every id."""


class DatasetParams(OpParams):
    """The parameters that every dataset has.

    Attributes:
        unreadable: so many images may be damaged; each is replaced by the next one of its class.
            One more stops the run. How it runs: which image replaces which does not depend on it.
    """

    unreadable: HowItRuns[int] = Field(default=100, ge=0)

    @property
    def fetches(self) -> bool:
        """Whether a folder without the data is filled from the network."""
        return False


class OptimizerParams(OpParams):
    """The parameters that every optimizer has.

    Attributes:
        lr: peak learning rate, which may follow the batch: ``5.0e-4 per 256``.
        weight_decay: share of each decayed weight, as the optimizer uses it.
    """

    lr: Rate
    weight_decay: Scheduled[NotNegative] = 0.0


def how_it_runs_fields(params: type[OpParams]) -> frozenset[str]:
    """Names of the parameters that are declared `HowItRuns`."""
    return frozenset(
        name for name, field in params.model_fields.items() if "how-it-runs" in field.metadata
    )


def scheduled_fields(params: type[OpParams]) -> tuple[str, ...]:
    """Names of the parameters that are declared `Scheduled`, in order of declaration."""
    return tuple(
        name for name, field in params.model_fields.items() if "scheduled" in field.metadata
    )


def legal_number(params: type[OpParams], name: str) -> Any:  # noqa: ANN401 - an annotation
    """What a parameter that is declared `Scheduled` may be as a number: `NotNegative`, …."""
    return get_args(params.model_fields[name].annotation)[0]


@dataclass(frozen=True, slots=True)
class StreamType:
    """The type of a stream: named axes, their sizes, and what its tokens are.

    Axes: V views, B samples, T target blocks, N tokens (prefix tokens first), M gathered tokens,
    S classifiers, D features, C H W image, K path points, A action, L residual branches.

    Attributes:
        axes: names of the axes, in order.
        sizes: one size per axis; `BATCH` on the B axis.
        prefix: how many leading tokens are no patches (class token, then registers).
        grid: (rows, columns) of the patch tokens, where N = prefix + rows·columns.
        dtype: ``float``, ``int`` (ids) or ``bool`` (masks).
    """

    axes: tuple[str, ...]
    sizes: tuple[int, ...]
    prefix: int = 0
    grid: tuple[int, int] | None = None
    dtype: str = "float"

    def __post_init__(self) -> None:
        if len(self.axes) != len(self.sizes):
            raise ValueError(f"{len(self.axes)} axes but {len(self.sizes)} sizes")

    def size(self, axis: str) -> int:
        """Size of a named axis; KeyError when the stream has no such axis."""
        if axis not in self.axes:
            raise KeyError(axis)
        return self.sizes[self.axes.index(axis)]

    def resized(self, axis: str, size: int) -> StreamType:
        """The same type with another size on one axis."""
        at = self.axes.index(axis)
        return replace(self, sizes=(*self.sizes[:at], size, *self.sizes[at + 1 :]))

    def without(self, axis: str) -> StreamType:
        """The same type without one axis."""
        at = self.axes.index(axis)
        return replace(
            self,
            axes=(*self.axes[:at], *self.axes[at + 1 :]),
            sizes=(*self.sizes[:at], *self.sizes[at + 1 :]),
        )

    def shape(self, *, batch: int) -> tuple[int, ...]:
        """The tensor's shape when B samples are at hand."""
        return tuple(batch if a == "B" else s for a, s in zip(self.axes, self.sizes, strict=True))

    def __str__(self) -> str:
        sizes = (
            "B" if a == "B" else f"{a}={s}" for a, s in zip(self.axes, self.sizes, strict=True)
        )
        return "[" + ", ".join(sizes) + "]"


SCALAR = StreamType(axes=(), sizes=())


@dataclass(frozen=True, slots=True)
class Port:
    """A named input of an op.

    Attributes:
        name: the keyword under which `forward` receives it.
        optional: may be left unconnected.
        many: takes a list of streams; `forward` receives a tuple.
    """

    name: str
    optional: bool = False
    many: bool = False


class PortError(ValueError):
    """A stream does not fit a port; the message says what was expected and what came."""

    def __init__(self, port: str, message: str) -> None:
        super().__init__(message)
        self.port = port


Streams = Mapping[str, StreamType]
"""The types of what is connected to an op, by port (a `many` port numbers its own: ``x.0`` …)."""


def need_axes(streams: Streams, port: str, *axes: str) -> StreamType:
    """The type at a port, which must have these axes.

    Raises:
        PortError: when an axis is missing.
    """
    stream = streams[port]
    missing = [a for a in axes if a not in stream.axes]
    if missing:
        raise PortError(port, f"needs a stream with axes {', '.join(axes)}, but reads {stream}")
    return stream
