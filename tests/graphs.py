"""Training graphs of toy size with their input streams."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from eqspec.build.graph.inputs import drawn_inputs
from eqspec.build.graph.interpreter import run
from eqspec.build.graph.training_graph import TrainGraph, constant_controls
from eqspec.build.parallel.parts import Parts
from eqspec.build.parallel.replicas import Replicas
from eqspec.build.program import build_graph, compile_graph
from eqspec.compile.types.graph import GraphPlan
from eqspec.engine.backward import Backward, backward
from eqspec.nn.world import World

CPU = torch.device("cpu")
STEP = 3


@dataclass(frozen=True)
class Case:
    """A graph plan and the global batch that it is tried on.

    Attributes:
        batch: samples of the global batch.
        world: the rank that asks, which gets its share of the batch.
    """

    plan: GraphPlan
    batch: int = 4
    dtype: torch.dtype = torch.float32
    world: World = field(default_factory=World)

    def graph(self, *, seed: int = 0) -> TrainGraph:
        """With initial values, in training mode."""
        strategy = Replicas(self.world)
        return build_graph(self.plan, seed=seed, device=CPU, strategy=strategy).to(self.dtype)

    def streams(self, *, samples: slice | None = None) -> dict[str, Tensor]:
        """What the graph reads for this rank's share of the batch, or for some of its samples."""
        share = self.batch // self.world.size
        first = self.world.rank * share
        mine = np.arange(first, first + share)[samples or slice(None)]
        drawn = drawn_inputs(
            self.plan, seed=0, step=STEP, positions=mine, batch=self.batch, device=CPU
        )
        built = {node.out for node in (*self.plan.encode, *self.plan.loss)}
        streams: dict[str, Tensor] = {}
        for name, kind in self.plan.streams.items():
            if name in drawn:
                streams[name] = drawn[name]
            elif name not in built:
                whole = _noise(kind.shape(batch=self.batch), key=sum(map(ord, name)))
                streams[name] = whole.index_select(kind.axes.index("B"), torch.from_numpy(mine))
        return {n: x.to(self.dtype) if x.is_floating_point() else x for n, x in streams.items()}

    def controls(self) -> dict[str, Tensor]:
        """Nothing moves with the step."""
        return constant_controls(self.plan, dtype=self.dtype)

    def on(self, world: World) -> Case:
        """The same batch, seen by a rank."""
        return replace(self, world=world)


def _noise(shape: tuple[int, ...], *, key: int) -> Tensor:
    """Between 0 and 1, like pixels, with a level of its own for every sample and channel.

    Pure noise makes all samples alike once patches are averaged, and the statistics of a batch of
    them are what rounding leaves.
    """
    generator = torch.Generator().manual_seed(key)
    levels = torch.rand((*shape[:3], *(1 for _ in shape[3:])), generator=generator).double()
    return (levels + torch.rand(shape, generator=generator, dtype=torch.float64)) / 2


def backward_pass(
    case: Case, graph: TrainGraph, *, parts: Parts | None = None, micro_batches: int = 1
) -> Backward:
    """One backward pass on the case's batch."""
    return backward(
        graph, case.streams(), case.controls(), parts=parts, micro_batches=micro_batches
    )


def every_stream(graph: TrainGraph, streams: dict[str, Tensor]) -> dict[str, Tensor]:
    """All that is read or made in one forward pass."""
    return run(graph.loss.instructions, {**streams, **graph.encode(streams)})


def gradients(graph: TrainGraph) -> dict[str, Tensor]:
    """What each trained parameter has been given, by name."""
    return {name: p.grad.clone() for name, p in graph.trained() if p.grad is not None}


def trained_on(
    world: World, *, case: Case, micro_batches: int, backend: str | None = None, passes: int = 2
) -> dict[str, Tensor]:
    """What the last pass finds on a rank: averaged gradients, terms of the global batch, and state.

    The first one averages after the backward, a second one during it. Weights stay.
    """
    mine = case.on(world)
    graph = mine.graph()
    if backend is not None:
        compile_graph(graph, backend=backend)
    parts = Replicas(world).parts(graph)
    for _ in range(passes - 1):
        backward_pass(mine, graph, parts=parts, micro_batches=micro_batches)
        graph.zero_grad(set_to_none=True)
    done = backward_pass(mine, graph, parts=parts, micro_batches=micro_batches)
    return {
        **{f"gradient of {name}": slope for name, slope in gradients(graph).items()},
        **{f"term {n}": world.mean(v.detach()) for n, v in done.loss.terms.items()},
        **{f"state {name}": value for name, value in graph.named_buffers()},
    }
