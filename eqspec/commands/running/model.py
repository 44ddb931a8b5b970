"""The model of a run, with weights restored from its folder."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from eqspec.build.program import (
    Program,
    build_graph,
    build_program,
    choose_device,
    initial_graph,
)
from eqspec.build.weights.restore import put_optimizer, put_weights
from eqspec.runs import checkpoint
from eqspec.runs.folder_problems import require_rows
from eqspec.runs.recorded_plan import compiled_before

if TYPE_CHECKING:
    from eqspec.build.graph.training_graph import TrainGraph
    from eqspec.build.parallel.strategy import Strategy
    from eqspec.compile.types.plan import Plan
    from eqspec.ops.tolerant import Tolerant
    from eqspec.runs.folder import RunFolder


@dataclass(frozen=True, slots=True)
class Model:
    """The model of a run.

    Attributes:
        graph: on its device.
        program: the live training; None for a plan without training.
        saved: step of the checkpoint that the weights come from; None for initial weights.
        warnings: of checkpoints that were passed over.
    """

    graph: TrainGraph
    program: Program | None
    saved: int | None
    warnings: tuple[str, ...]

    def uncompiled(self) -> AbstractContextManager[object]:
        """Call the graph's own code inside the `with` block, even if it is compiled.

        Compiled code rounds differently. Measurements without it are bit-identical when another
        command repeats them.
        """
        if self.program is None or not self.program.compiled:
            return nullcontext()
        return torch.compiler.set_stance("force_eager")

    @property
    def done(self) -> int:
        """Optimizer steps done."""
        return self.saved or 0


def build_model(plan: Plan, folder: RunFolder, *, train: Tolerant, strategy: Strategy) -> Model:
    """Build the model of a run and restore its newest checkpoint.

    Args:
        train: the training split, opened.
        strategy: how the training is spread over processes.

    Raises:
        FolderMismatch: the checkpoint is damaged, or journals lack rows of the steps before it.
    """
    program = None
    if plan.trains:
        before = compiled_before(folder.path)
        program = build_program(plan, dataset=train, strategy=strategy, compiled_before=before)
    found = checkpoint.load(folder.checkpoints)
    device = choose_device(plan.machine.device)
    if program is not None:
        graph = program.graph
    elif found is None:
        graph = initial_graph(plan, device=device, strategy=strategy)
    else:
        graph = build_graph(plan.graph, seed=plan.seed, device=device, strategy=strategy)
    if found is None:
        return Model(graph, program, saved=None, warnings=())
    weights, state = found.files
    put_weights(graph, found.tensors, file=weights)
    if program is not None:
        put_optimizer(program.optimizer, found.state, plan=plan, file=state)
        if found.step:  # a run that restarts at step 0 writes all rows again
            require_rows(folder, through=found.step)
    return Model(graph, program, saved=found.step, warnings=found.warnings)


def weights_at(plan: Plan, folder: RunFolder, *, step: int) -> TrainGraph | None:
    """Return the model with the weights of a step; None before training, which has no checkpoint.

    Raises:
        UsageError: no checkpoint of that step was kept.
        FolderMismatch: it is damaged.
    """
    if not step and plan.trains:
        return None
    graph = build_graph(plan.graph, seed=plan.seed, device=choose_device(plan.machine.device))
    found = checkpoint.load_step(folder.checkpoints, step=step)
    put_weights(graph, found.tensors, file=found.files[0])
    return graph
