"""Distribution of a training over processes: placement of its tensors, and joint decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.optim import Optimizer

    from eqspec.build.graph.training_graph import TrainGraph
    from eqspec.build.parallel.parts import Parts
    from eqspec.compile.types.plan import ClipPlan
    from eqspec.nn.world import World


@dataclass(frozen=True, slots=True)
class TrainingState:
    """Everything that training continues from, whole on the main process.

    Attributes:
        tensors: parameters and buffers of the graph, by name.
        optimizer: its state dict.
    """

    tensors: dict[str, Tensor]
    optimizer: dict[str, object]


class Strategy(Protocol):
    """One way to spread a training over processes.

    Every process calls every method in the same order, since each may wait for the others.
    """

    @property
    def world(self) -> World:
        """The processes that share a batch."""
        ...

    @property
    def main(self) -> bool:
        """Whether this is rank 0, the process that writes files."""
        ...

    def place(self, graph: TrainGraph, *, device: torch.device) -> TrainGraph:
        """Give a graph on the meta device its memory on this process; values are undefined."""
        ...

    def parts(self, graph: TrainGraph) -> Parts:
        """Return the parts of a graph whose backward averages gradients over the processes.

        Called once, when the weights are the same on all of them.
        """
        ...

    def clip(self, graph: TrainGraph, clip: ClipPlan | None) -> Tensor:
        """Scale averaged gradients down to the plan's norm; return the global norm before."""
        ...

    def gathered_state(self, graph: TrainGraph, optimizer: Optimizer) -> TrainingState:
        """Return the whole state, collected from all processes."""
        ...

    def decide(self, answer: bool) -> bool:  # noqa: FBT001 - an answer, not a switch
        """Return the main process's answer to a question about a clock, a signal or a disk.

        These differ between processes, and one that stopped alone would leave the others waiting.
        """
        ...

    def collect(self, value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever a process has
        """Return the values of all processes in the order of their ranks, on each of them."""
        ...
