"""The two parts of a training graph as the processes run them, and the average of gradients.

Several processes each wrap a part in torch's `DistributedDataParallel`, which averages gradients in
buckets while the backward is still on its way through the earlier layers. The parts are wrapped one
by one since they have a backward each (`eqspec.engine.backward`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from eqspec.build.graph.training_graph import Loss
from eqspec.build.parallel.gradients import average_gradients
from eqspec.compile.types.graph import ApplyNode
from eqspec.nn.world import World

if TYPE_CHECKING:
    from eqspec.build.graph.training_graph import TrainGraph

Streams = Mapping[str, Tensor]


class Parts(Protocol):
    """Encoders and loss of a graph. A backward through them averages gradients over processes."""

    def encode(self, streams: Streams) -> dict[str, Tensor]:
        """Return the streams at the cut."""
        ...

    def students(self, streams: Streams, *, last: bool) -> dict[str, Tensor]:
        """Return those of a micro-batch that carry gradient.

        Args:
            last: whether the gradients are complete after the backward of this micro-batch.
        """
        ...

    def loss(self, streams: Streams, controls: Streams, *, compiled: bool) -> Loss:
        """Return the loss of this process's share of the batch."""
        ...

    def finish(self) -> None:
        """Average what the backward has left: of this step, all gradients are complete."""
        ...


class OneProcess:
    """The parts of a graph that has no other process to average with; see `Parts`."""

    def __init__(self, graph: TrainGraph) -> None:
        self._graph = graph

    def encode(self, streams: Streams) -> dict[str, Tensor]:
        """Return the streams at the cut."""
        return self._graph.encode(streams)

    def students(self, streams: Streams, *, last: bool) -> dict[str, Tensor]:  # noqa: ARG002 - see `Parts`
        """Return those that carry gradient."""
        return self._graph.encode.students(streams)

    def loss(self, streams: Streams, controls: Streams, *, compiled: bool) -> Loss:
        """Return the loss of the batch."""
        part = self._graph.loss if compiled else self._graph.loss.forward
        return part(streams, controls)

    def finish(self) -> None:
        """Leave the gradients as they are."""


class Overlapped:
    """The parts of a graph on one of several processes, each with all parameters; see `Parts`.

    The first step averages all gradients after its backward. It shows which parameters take part:
    DDP has to know them, or would search the graph for them in every step.
    """

    def __init__(self, graph: TrainGraph, *, world: World) -> None:
        self._graph = graph
        self._world = world
        self._encode: nn.Module = _Encode(graph, set())
        self._loss: nn.Module = _Loss(graph, set())
        self._left = [p for _, p in graph.trained()]
        self._is_wrapped = False

    def encode(self, streams: Streams) -> dict[str, Tensor]:
        """Return the streams at the cut."""
        return self._encode(streams, students=False)

    def students(self, streams: Streams, *, last: bool) -> dict[str, Tensor]:
        """Return those of a micro-batch that carry gradient."""
        with nullcontext() if last else _unaveraged(self._encode):
            return self._encode(streams, students=True)

    def loss(self, streams: Streams, controls: Streams, *, compiled: bool) -> Loss:
        """Return the loss of this process's share of the batch."""
        total, terms = self._loss(streams, controls, compiled=compiled)
        return Loss(total=total, terms=terms)

    def finish(self) -> None:
        """Average gradients of modules that belong to both parts; after the first step, all."""
        average_gradients(self._left, world=self._world)
        if not self._is_wrapped:
            self._wrap()

    def _wrap(self) -> None:
        graph = self._graph
        encoders, heads = (
            {n.module for n in nodes if isinstance(n, ApplyNode) and n.teacher is None}
            for nodes in (graph.plan.encode, graph.plan.loss)
        )
        both = encoders & heads  # complete only after both backwards
        self._left = [p for n in sorted(both) for p in graph.students[n].parameters()]
        self._encode = _wrapped(_Encode(graph, encoders - both))
        self._loss = _wrapped(_Loss(graph, heads - both))
        self._is_wrapped = True


class _Encode(nn.Module):
    def __init__(self, graph: TrainGraph, names: set[str]) -> None:
        super().__init__()
        self.used = nn.ModuleDict({n: graph.students[n] for n in sorted(names)})
        self._part = graph.encode

    def forward(self, streams: Streams, *, students: bool) -> dict[str, Tensor]:
        return self._part.students(streams) if students else self._part(streams)


class _Loss(nn.Module):
    def __init__(self, graph: TrainGraph, names: set[str]) -> None:
        super().__init__()
        self.used = nn.ModuleDict({n: graph.students[n] for n in sorted(names)})
        self._part = graph.loss

    def forward(
        self, streams: Streams, controls: Streams, *, compiled: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        part = self._part if compiled else self._part.forward
        found = part(streams, controls)
        return found.total, found.terms


def _wrapped(part: nn.Module) -> nn.Module:
    """Return the part in DDP, which refuses one without a trained parameter."""
    unused = [n for n, p in part.named_parameters() if p.requires_grad and p.grad is None]
    if all(n in unused or not p.requires_grad for n, p in part.named_parameters()):
        return part
    DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(part, unused)  # noqa: SLF001 - documented for this use
    return DistributedDataParallel(
        part,
        forward_sync_buffers=False,  # running statistics are those of the global batch everywhere
        gradient_as_bucket_view=True,
    )


def _unaveraged(part: nn.Module) -> AbstractContextManager[None]:
    return part.no_sync() if isinstance(part, DistributedDataParallel) else nullcontext()
