"""Ops whose modules form a training graph: backbones, heads, decoders and terms."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from eqspec.ops.contract.op import Op
from eqspec.ops.example import Example
from eqspec.ops.op import OpParams, Port, Streams, StreamType

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World
    from eqspec.ops.weights import Disagreement, Shapes


@runtime_checkable
class GraphOp(Op, Protocol):
    """An op that reads streams and writes one.

    Attributes:
        ports: named inputs; `forward` receives each under its name.
        examples: small instances, by what they show, which the contract tests build.
    """

    ports: tuple[Port, ...]
    examples: Mapping[str, Example] = MappingProxyType({})

    @abstractmethod
    def shapes(self, params: OpParams, streams: Streams) -> StreamType:
        """Return the type of the output, from the types of the inputs.

        Raises:
            PortError: a stream does not fit its port.
        """
        ...

    @abstractmethod
    def build(self, params: OpParams, streams: Streams, *, world: World) -> nn.Module:
        """Return the module, its parameters not yet initialised; imports torch inside."""
        ...


class ModuleOp(GraphOp, Protocol):
    """A module with parameters: a backbone, head or decoder.

    Attributes:
        per_view: a sample's output depends on the other samples of its view (batch statistics), so
            `forward` receives the number of views as `views`.
    """

    per_view: bool = False

    def layers(self, params: OpParams) -> tuple[tuple[str, ...], ...]:  # noqa: ARG002 - a default
        """Return the names of the parts of each layer, input first; empty for no layers.

        Learning rates that decay with depth (`layer_decay`) need them.
        """
        return ()

    def blocks(self, params: OpParams) -> int:  # noqa: ARG002 - as above
        """Return the number of blocks after each of which tokens can be read; 0 for none.

        `forward` then takes a number of them as `blocks`.
        """
        return 0

    def drop_path_rates(self, params: OpParams) -> tuple[float, ...]:  # noqa: ARG002 - as above
        """Return how often each block's residual branches are dropped, in [0, 1), input first.

        Branches that are kept are drawn outside and read through a port `drop`.
        """
        return ()

    def drop_path_sampling(
        self,
        params: OpParams,  # noqa: ARG002 - as above
    ) -> tuple[Literal["bernoulli", "subset"], int | None]:
        """Return how dropped branches are drawn, over groups of how many samples (None: all)."""
        return "bernoulli", None

    def disagreements(
        self,
        params: OpParams,  # noqa: ARG002 - as above
        shapes: Shapes,  # noqa: ARG002 - as above
    ) -> tuple[Disagreement, ...]:
        """Return where the names and shapes of published weights contradict the parameters."""
        return ()


class BackboneOp(ModuleOp, Protocol):
    """An encoder: images `[V, B, C, H, W]` to tokens `[V, B, N, D]`."""


class HeadOp(ModuleOp, Protocol):
    """A module between tokens and terms: embedding, projector, predictor, prototypes."""


class DecoderOp(ModuleOp, Protocol):
    """A module from tokens back to pixels."""


class TermOp(GraphOp, Protocol):
    """A summand of the loss: streams to one number, over the global batch.

    Attributes:
        covariance_of: the port of whose features a covariance matrix is estimated; batches too
            small for its width cause a warning.
    """

    covariance_of: str | None = None
