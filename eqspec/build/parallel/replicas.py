"""The model as a whole on every process: a single one, or several that average gradients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed

from eqspec.build.parallel.clip import clip_gradients
from eqspec.build.parallel.parts import OneProcess, Overlapped, Parts
from eqspec.build.parallel.strategy import TrainingState
from eqspec.nn.world import World

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from eqspec.build.graph.training_graph import TrainGraph
    from eqspec.compile.types.plan import ClipPlan


@dataclass(frozen=True, slots=True)
class Replicas:
    """A strategy in which every process holds all parameters; see `Strategy`.

    One process needs no process group. The group of several must be able to send CPU tensors.

    Attributes:
        world: the processes that share a batch.
    """

    world: World = field(default_factory=World)

    @property
    def main(self) -> bool:
        """Whether this is rank 0."""
        return self.world.rank == 0

    def place(self, graph: TrainGraph, *, device: torch.device) -> TrainGraph:
        """Allocate the whole graph on this process's device."""
        return graph.to_empty(device=device)

    def parts(self, graph: TrainGraph) -> Parts:
        """Return the graph's parts; several processes average gradients during the backward."""
        if self.world.size == 1:
            return OneProcess(graph)
        return Overlapped(graph, world=self.world)

    def clip(self, graph: TrainGraph, clip: ClipPlan | None) -> Tensor:
        """Clip gradients, which are the same on every process."""
        return clip_gradients(graph.trained(), clip)

    def gathered_state(self, graph: TrainGraph, optimizer: Optimizer) -> TrainingState:
        """Return this process's state, which is that of all."""
        return TrainingState(graph.state_dict(), optimizer.state_dict())

    def decide(self, answer: bool) -> bool:  # noqa: FBT001 - see `Strategy`
        """Return rank 0's answer."""
        if self.world.size == 1:
            return answer
        sent = torch.tensor([answer])
        distributed.broadcast(sent, src=0)
        return bool(sent)

    def collect(self, value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - see `Strategy`
        """Return the values of all processes; they travel through the group's CPU backend."""
        if self.world.size == 1:
            return (value,)
        found: list[Any] = [None] * self.world.size
        distributed.all_gather_object(found, value)
        return tuple(found)
