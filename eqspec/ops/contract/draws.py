"""Ops that draw masks, and draw or read the transform between views."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

from eqspec.ops.contract.op import Op
from eqspec.ops.example import NO_PARAMS
from eqspec.ops.op import OpParams, Streams, StreamType

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eqspec.nn.pixels.path import At, Border
    from eqspec.nn.random.philox import Draws


class MaskOp(Op, Protocol):
    """Choices of patches, drawn anew at each step.

    Attributes:
        example: parameters of a small instance, which the contract tests build.
    """

    example: Mapping[str, Any] = NO_PARAMS

    @abstractmethod
    def shapes(self, params: OpParams, streams: Streams) -> Mapping[str, StreamType]:
        """Return the types of the drawn streams, from the tokens `[V, B, N, D]` at port `of`.

        Raises:
            PortError: the tokens cannot be masked so.
        """
        ...

    @abstractmethod
    def draw(
        self,
        params: OpParams,
        of: StreamType,
        *,
        draws: Draws,
        step: int,
        positions: NDArray[np.int64],
        batch: int,
    ) -> Mapping[str, NDArray[Any]]:
        """Return the streams declared by `shapes`, a pure function of (draws, step, position).

        Args:
            of: type of the tokens that are masked.
            draws: the run's randomness.
            step: from 0.
            positions: places in the global batch, `[n]`.
            batch: size of the global batch.
        """
        ...


class TransformOp(Op, Protocol):
    """An image transformation with P parameters, which views, paths and evaluations draw.

    Attributes:
        kind: whether it moves pixels or changes their values.
        names: of the P parameters.
        identity: P values that change nothing.
        path: whether any share of a transform is one as well, so that it has a path of images.
        hides: parameters of other transforms that cannot be seen after it, such as ``hue``.
        example: parameters of a small instance, which the contract tests build.
    """

    kind: Literal["geometry", "photometry"]
    names: tuple[str, ...]
    identity: tuple[float, ...]
    path: bool = False
    hides: tuple[str, ...] = ()
    example: Mapping[str, Any] = NO_PARAMS

    @property
    def faintest(self) -> tuple[float, ...]:
        """Least values that can be seen, one per parameter; by default any but the identity."""
        return tuple(0.0 for _ in self.names)

    @property
    def action_dim(self) -> int:
        """Width A of the encoding returned by `encode`."""
        return 1 + len(self.names)

    @abstractmethod
    def ranges(self, params: OpParams, *, size: int) -> tuple[tuple[float, float], ...]:
        """Return the lowest and highest value of each parameter, for images of side `size`."""
        ...

    def encode(
        self, params: OpParams, theta: NDArray[np.float64], *, size: int
    ) -> NDArray[np.float64]:
        """Return the encoding of parameters `[n, P]` for a network, `[n, action_dim]`.

        The identity's begins with 1, so that a linear predictor without bias can keep what it
        reads. By default, 1 and each parameter divided by its largest value.
        """
        import numpy as np

        from eqspec.nn.random.ranges import per_largest

        scaled = theta * [per_largest(bounds) for bounds in self.ranges(params, size=size)]
        return np.concatenate((np.ones((len(theta), 1)), scaled), axis=1)

    def reach(self, params: OpParams, *, size: int) -> float:  # noqa: ARG002 - a default
        """Return by how many pixels it reads outside the frame; 0 by default."""
        return 0.0

    def homographies(  # the default
        self,
        params: OpParams,  # noqa: ARG002
        theta: NDArray[np.float64],  # noqa: ARG002
        *,
        size: int,  # noqa: ARG002
    ) -> NDArray[np.float64] | None:
        """Return where transforms `[n, P]` move the points of a frame, `[n, 3, 3]`, for targets.

        Coordinates are those of `eqspec.ops.targets.geometry`. None by default: the targets of an
        image cannot follow, so that a geometric transform without it is refused for images whose
        targets are read.
        """
        return None

    def back(self, theta: NDArray[np.float64], *, fraction: float) -> NDArray[np.float64] | None:  # noqa: ARG002 - a default
        """Return parameters that take transformed images back to a point of their path.

        None by default, for transforms that cannot be undone: the floors of a path are then those
        of copying alone (`eqspec.evals.path_floors`).

        Args:
            theta: of the transform, `[n, P]`.
            fraction: of θ, at the point.

        Returns:
            `[n, P]`.
        """
        return None

    @abstractmethod
    def build(self, params: OpParams, *, size: int, border: Border) -> At:
        """Return the transform, ready for batches of images; imports torch inside.

        Raises:
            UsageError: the parameters do not suit images of this size.
        """
        ...


class RelationOp(Op, Protocol):
    """The action between two stored views of an object, computed from their latents.

    Attributes:
        example: parameters of a small instance, which the contract tests build.
    """

    example: Mapping[str, Any] = NO_PARAMS

    @abstractmethod
    def latents(self, params: OpParams) -> int:
        """Return how many latents a view must have."""
        ...

    @abstractmethod
    def names(self, params: OpParams) -> tuple[str, ...]:
        """Return the name of each number of an action."""
        ...

    @abstractmethod
    def encode(
        self, params: OpParams, first: NDArray[np.float64], second: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the actions from latents `[n, L]` to latents `[n, L]`: `[n, A]`."""
        ...
