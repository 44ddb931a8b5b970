"""Programs: the modules, views and optimizer of a plan with initial values, ready to train."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from eqspec.build.compile_choice import choose_compile
from eqspec.build.cost.trace import trace
from eqspec.build.data.loader import Batch, Dataset, batches
from eqspec.build.data.workers import readers
from eqspec.build.graph.inputs import drawn_inputs
from eqspec.build.graph.training_graph import TrainGraph
from eqspec.build.optimizer import build_optimizer
from eqspec.build.parallel.parts import Parts
from eqspec.build.parallel.replicas import Replicas
from eqspec.build.parallel.strategy import Strategy
from eqspec.build.timeline import Timeline
from eqspec.build.views.on_device import DeviceViews
from eqspec.build.views.targets import target_reader
from eqspec.build.weights.initial import load_initial
from eqspec.build.weights.published import load_published
from eqspec.compile.graph.sample_groups import inexact_pieces
from eqspec.compile.lookup.rewrite_inputs import ACTIONS, BETWEEN, PARAMETERS, PIXELS
from eqspec.compile.types.graph import GraphPlan
from eqspec.compile.types.plan import Plan
from eqspec.errors import EqspecError, UsageError
from eqspec.nn.layers.initialise import initialise
from eqspec.nn.world import World
from eqspec.ops.targets.kinds import LABELS

SINGLE: Strategy = Replicas()
"""A single process."""

MOST_VARIANTS = 64
"""Compiled forms of a block: by size (a ResNet's differ), view group, drop path and gradient."""


@dataclass(frozen=True, slots=True)
class Program:
    """The live objects of a plan.

    Attributes:
        strategy: how the training is spread over processes.
        graph: on its device, with initial values.
        parts: of the graph, as the processes run them.
        batches: (start step, number of steps) → the batches of this rank.
        compiled: blocks and loss go through `torch.compile`.
        why_uncompiled: why they do not, where the spec leaves it open.
    """

    plan: Plan
    strategy: Strategy
    device: torch.device
    graph: TrainGraph
    parts: Parts
    views: DeviceViews
    optimizer: torch.optim.Optimizer
    timeline: Timeline
    batches: Callable[[int, int], Iterator[Batch]]
    compiled: bool
    why_uncompiled: str = ""

    def streams(self, batch: Batch) -> dict[str, Tensor]:
        """Return everything that the graph reads for one batch."""
        views = self.views(batch)
        drawn = drawn_inputs(
            self.plan.graph,
            seed=self.plan.seed,
            step=batch.step,
            positions=batch.positions,
            batch=self.plan.train.batch,
            device=self.device,
        )
        labels = None if batch.labels is None else torch.from_numpy(batch.labels).to(self.device)
        given = {BETWEEN: views.between, ACTIONS: views.actions, PIXELS: views.pixels}
        given |= {**views.draws, PARAMETERS: views.parameters, LABELS: labels}
        given |= {n: torch.from_numpy(t).to(self.device) for n, t in batch.targets.items()}
        return {**views.images, **{n: t for n, t in given.items() if t is not None}, **drawn}

    def controls(self, step: int) -> dict[str, Tensor]:
        """Return scheduled values as 0-dim float32 tensors."""
        return {
            name: torch.tensor(value, dtype=torch.float32, device=self.device)
            for name, value in self.timeline.controls(step).items()
        }


def build_program(
    plan: Plan,
    *,
    dataset: Dataset,
    strategy: Strategy = SINGLE,
    compiled_before: bool | None = None,
) -> Program:
    """Build the program of a plan.

    Args:
        dataset: its training split, opened.
        strategy: how the training is spread over processes.
        compiled_before: whether the run that is continued or replayed was compiled; None for a new
            one.

    Raises:
        EqspecError: the batch cannot be divided so that every number stays the same.
    """
    world = strategy.world
    check_pieces(plan, world=world)
    device = choose_device(plan.machine.device)
    graph = initial_graph(plan, device=device, strategy=strategy)
    choice = choose_compile(
        plan, device=device, traced=lambda: trace(plan), recorded=compiled_before
    )
    if choice.compiled:
        compile_graph(graph)
    return Program(
        plan=plan,
        strategy=strategy,
        device=device,
        graph=graph,
        parts=strategy.parts(graph),
        views=DeviceViews(plan.views, seed=plan.seed, device=device),
        optimizer=build_optimizer(plan, graph.trained()),
        timeline=Timeline(plan),
        batches=_batches(plan, dataset, world=world),
        compiled=choice.compiled,
        why_uncompiled=choice.why_not,
    )


def _batches(
    plan: Plan, dataset: Dataset, *, world: World
) -> Callable[[int, int], Iterator[Batch]]:
    """Return (start step, number of steps) → the batches of this rank."""
    workers = readers(plan, ranks=world.size).count

    def batches_from(start: int, steps: int) -> Iterator[Batch]:
        return batches(
            plan,
            dataset,
            seed=plan.seed,
            start_step=start,
            steps=steps,
            rank=world.rank,
            world=world.size,
            workers=workers,
            targets=target_reader(plan, dataset),
        )

    return batches_from


def check_pieces(plan: Plan, *, world: World) -> None:
    """Refuse numbers of ranks and micro-batches that would change a result.

    Raises:
        EqspecError: the batch cannot be divided so that every number stays the same.
    """
    pieces = plan.machine.micro_batches * world.size
    if plan.train.batch % pieces:
        message = f"a batch of {plan.train.batch} cannot be cut into {pieces} equal pieces"
        raise EqspecError(message, help="choose other numbers of ranks and micro-batches")
    if plan.machine.micro_batches > 1:
        problem = inexact_pieces(plan.graph, piece=plan.train.batch // pieces)
        if problem is not None:
            raise EqspecError(problem, help="use fewer ranks or micro-batches")


def initial_graph(plan: Plan, *, device: torch.device, strategy: Strategy = SINGLE) -> TrainGraph:
    """Build the graph that training starts from: fresh, or with the plan's initial weights.

    Raises:
        UsageError: those weights are gone, have changed or do not fit.
    """
    graph = build_graph(plan.graph, seed=plan.seed, device=device, strategy=strategy)
    if plan.init is not None:
        load_initial(graph, plan.init)
    if plan.published is not None:
        load_published(graph, plan)
    return graph


def build_graph(
    plan: GraphPlan, *, seed: int, device: torch.device, strategy: Strategy = SINGLE
) -> TrainGraph:
    """Build the training graph with fresh weights; teachers start as their students."""
    with torch.device("meta"):
        graph = TrainGraph(plan, world=strategy.world)
    graph = strategy.place(graph, device=device)
    for module in plan.modules:
        initialise(graph.students[module.name], seed=seed, name=module.init)
    for teacher in plan.teachers:
        for name, copy in graph.copies(teacher.name).items():
            initialise(copy, seed=seed, name=name)
    initialise(graph.terms, seed=seed, name="terms")
    return graph


def compile_graph(graph: TrainGraph, *, backend: str = "inductor") -> None:
    """Compile encoder blocks one by one, and the loss as one graph; state keys stay the same."""
    for module in graph.modules():
        for block in getattr(module, "compilable_blocks", list[nn.Module])():
            block.compile(fullgraph=True, backend=backend, recompile_limit=MOST_VARIANTS)
    graph.loss.compile(fullgraph=True, backend=backend, recompile_limit=MOST_VARIANTS)


def choose_device(wanted: str) -> torch.device:
    """Return the device of a run: CUDA if there is one, unless the spec names another.

    Raises:
        UsageError: the spec names CUDA, and there is none.
    """
    cuda = torch.cuda.is_available()
    if wanted == "auto":
        return torch.device("cuda" if cuda else "cpu")
    if wanted == "cuda" and not cuda:
        raise UsageError(
            "`machine.device` is cuda, but torch finds no CUDA device here",
            help="check the driver with nvidia-smi, or run on the CPU: --set machine.device=auto",
        )
    return torch.device(wanted)
