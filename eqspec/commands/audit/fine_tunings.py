"""The trainings of a run's evaluations, audited like the run itself.

Each is intact as sealed, started from the encoder of the run (its weights, written anew from the
run's checkpoint, have the recorded hash), and replays. Where the run has not kept that checkpoint,
the frozen encoder in the training's own checkpoint takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from eqspec.commands.audit.findings import Finding, Level
from eqspec.commands.audit.intact_files import intact_files, state_of
from eqspec.commands.planning.run_plan import plan_in
from eqspec.errors import EqspecError
from eqspec.runs import checkpoint
from eqspec.runs.folder import RunFolder
from eqspec.runs.training_folders import training_folders

if TYPE_CHECKING:
    from eqspec.build.graph.training_graph import TrainGraph
    from eqspec.commands.planning.data_locations import DataLocations
    from eqspec.compile.types.plan import Plan

_STEP = re.compile(r"step-(\d+)")


def fine_tunings(
    folder: RunFolder, *, replayed: int | None, data: DataLocations
) -> Iterator[Finding]:
    """Yield the findings on every training of an evaluation.

    Args:
        folder: of the run whose encoder was evaluated.
        replayed: how many steps are trained anew; None for none.
        data: locations of datasets.
    """
    for path in training_folders(folder):
        child, name = RunFolder(path), path.relative_to(folder.evaluations).as_posix()
        found = [*_intact(folder, child)]
        if replayed is not None:
            found.append(_replays(folder, child, steps=replayed, data=data))
        yield from (replace(one, about=f"{name} {one.about}") for one in found)


def _intact(folder: RunFolder, child: RunFolder) -> Iterator[Finding]:
    """Yield whether the files of a training are intact, with the command that repeats it."""
    for one in intact_files(child, state_of(child)):
        advice = f"; `eqspec eval {folder.path}` repeats the training"
        mended = replace(one, message=one.message + advice, mended_by=("eval", str(folder.path)))
        yield mended if one.holds is False else one


def _replays(folder: RunFolder, child: RunFolder, *, steps: int, data: DataLocations) -> Finding:
    """Whether a training started from the run's encoder, and replays."""
    from eqspec.commands.audit.replay import replays
    from eqspec.commands.running.fine_tuning import locations_for, write_encoder
    from eqspec.commands.running.model import weights_at
    from eqspec.runs.artifacts import sha256_of

    try:
        parent, plan = plan_in(folder.path), plan_in(child.path)
        assert plan.init is not None, "a fine-tuning starts from an encoder"
        with TemporaryDirectory(prefix="eqspec-audit-") as temporary:
            weights = Path(temporary) / "encoder.safetensors"
            kept = _is_kept(folder, child, plan=parent)
            own = weights_at(plan, child, step=plan.train.steps) if not kept else None
            write_encoder(weights, own or _encoder(folder, child, plan=parent))
            if sha256_of(weights) != plan.init.sha256:
                message = "it did not start from the encoder of this run"
                return Finding(Level.REPLAYS, "replay", holds=False, message=message)
            start = plan.init.model_copy(update={"weights": str(weights)})
            there = locations_for(data, parent=parent, dataset=plan.data)
            found = replays(child, steps=steps, data=there, init=start)
            beside = "" if kept else ", from the encoder in its own checkpoint"
            return replace(found, message=found.message + beside)
    except EqspecError as error:
        message = f"cannot be replayed here: {error.message}"
        return Finding(Level.REPLAYS, "replay", None, message)


def _is_kept(folder: RunFolder, child: RunFolder, *, plan: Plan) -> bool:
    """Whether the run still has the weights that a training started from."""
    step = _STEP.fullmatch(child.path.name)
    if step is None or (plan.trains and not int(step[1])):
        return True  # the encoder before training is built anew
    return int(step[1]) in checkpoint.steps(folder.checkpoints)


def _encoder(folder: RunFolder, child: RunFolder, *, plan: Plan) -> TrainGraph:
    """The weights that a training started from: of a checkpoint, or as before training."""
    from eqspec.build.program import choose_device, initial_graph
    from eqspec.commands.running.model import weights_at

    step = _STEP.fullmatch(child.path.name)
    fresh = plan if step else plan.model_copy(update={"published": None})
    found = weights_at(plan, folder, step=int(step[1])) if step else None
    return found or initial_graph(fresh, device=choose_device(plan.machine.device))
