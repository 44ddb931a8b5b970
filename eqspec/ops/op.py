"""Parameters, ports and stream types of ops. Free of torch.

An op is one Python file. At module level, and without torch, it declares a docstring, `rev`,
`Params` and what the contract of its family asks for (`eqspec.ops.contract`); functions that need
torch import it inside. `eqspec.ops.find` looks an op up by family and name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeVar, get_args

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
    """Parameters of an op without any."""


_T = TypeVar("_T")

Scheduled = Annotated[_T | OpCall, "scheduled"]
"""A number, or a schedule (`{impl: linear, params: …}`) within the number's limits:
`Scheduled[NotNegative]`. The op's forward receives it as a keyword argument, always a 0-dim float32
tensor, so that a changing value never recompiles the graph."""


HowItRuns = Annotated[_T, "how-it-runs"]
"""A parameter that affects no result, such as the source of a download or the number of damaged
images allowed. It is not part of any id."""


MOST_UNREADABLE = 100
"""Largest number of damaged images of a split by default, however large it is."""

ONE_UNREADABLE_IN = 20
"""Number of images of a split to each damaged one by default."""


class DatasetParams(OpParams):
    """The parameters that every dataset has.

    Attributes:
        unreadable: largest number of damaged images of a split; each is replaced by the next one of
            its class. One more stops the run. ``auto`` is 5 % of the images, at least 1 and at most
            100. How it runs: the replacements do not depend on it.
    """

    unreadable: HowItRuns[Literal["auto"] | Annotated[int, Field(ge=0)]] = "auto"

    def most_unreadable(self, images: int) -> int:
        """Return the largest number of damaged images among the images of a split."""
        if self.unreadable != "auto":
            return self.unreadable
        return min(MOST_UNREADABLE, max(1, images // ONE_UNREADABLE_IN))

    @property
    def fetches(self) -> bool:
        """Whether missing data are downloaded."""
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
    """Return the names of the parameters declared `HowItRuns`."""
    return frozenset(
        name for name, field in params.model_fields.items() if "how-it-runs" in field.metadata
    )


def scheduled_fields(params: type[OpParams]) -> tuple[str, ...]:
    """Return the names of the parameters declared `Scheduled`, in order of declaration."""
    return tuple(
        name for name, field in params.model_fields.items() if "scheduled" in field.metadata
    )


def legal_number(params: type[OpParams], name: str) -> Any:  # noqa: ANN401 - an annotation
    """Return the number type of a parameter declared `Scheduled`: `NotNegative`, …."""
    return get_args(params.model_fields[name].annotation)[0]


@dataclass(frozen=True, slots=True)
class StreamType:
    """The type of a stream: named axes, their sizes, and the layout of its tokens.

    Axes: V views, B samples, T target blocks, N tokens (prefix tokens first), M gathered tokens,
    S classifiers, D features, C H W image, K path points, A action, L residual branches.

    Attributes:
        axes: names of the axes, in order.
        sizes: one size per axis; `BATCH` on the B axis.
        prefix: number of leading tokens that are not patches (class token, then registers).
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
        """Return the size of a named axis; KeyError if the stream has no such axis."""
        if axis not in self.axes:
            raise KeyError(axis)
        return self.sizes[self.axes.index(axis)]

    def resized(self, axis: str, size: int) -> StreamType:
        """Return the same type with another size of one axis."""
        at = self.axes.index(axis)
        return replace(self, sizes=(*self.sizes[:at], size, *self.sizes[at + 1 :]))

    def without(self, axis: str) -> StreamType:
        """Return the same type without one axis."""
        at = self.axes.index(axis)
        return replace(
            self,
            axes=(*self.axes[:at], *self.axes[at + 1 :]),
            sizes=(*self.sizes[:at], *self.sizes[at + 1 :]),
        )

    def shape(self, *, batch: int) -> tuple[int, ...]:
        """Return the tensor's shape for a batch of B samples."""
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
    """A stream does not fit a port; the message compares the expected and the given type."""

    def __init__(self, port: str, message: str) -> None:
        super().__init__(message)
        self.port = port


Streams = Mapping[str, StreamType]
"""Port of an op → type of the connected stream (a `many` port numbers its own: ``x.0`` …)."""


def need_axes(streams: Streams, port: str, *axes: str) -> StreamType:
    """Return the type at a port, which must have these axes.

    Raises:
        PortError: an axis is missing.
    """
    stream = streams[port]
    missing = [a for a in axes if a not in stream.axes]
    if missing:
        raise PortError(port, f"needs a stream with axes {', '.join(axes)}, but reads {stream}")
    return stream
