"""Checkpoints, restored into the graph and the optimizer that they were saved from, or refused.

A checkpoint's hashes prove that its files are undamaged; this proves that they fit the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from eqspec.build.graph.training_graph import TrainGraph
from eqspec.build.optimizer import build_optimizer
from eqspec.build.weights.initial import Fit
from eqspec.compile.types.plan import Plan
from eqspec.errors import FolderMismatch

HELP = "restore the file from a copy, or delete the run folder and begin again"

_SET_EVERY_STEP = frozenset({"lr", "weight_decay"})
_OF_THE_MACHINE = frozenset({"params", "foreach", "fused", "capturable", "differentiable"})


def put_weights(graph: TrainGraph, tensors: Mapping[str, Tensor], *, file: Path) -> None:
    """Load all tensors of a checkpoint into its graph.

    Args:
        file: of the tensors, for messages.

    Raises:
        FolderMismatch: names, shapes or types differ from the graph's, or a value is not finite.
    """
    own = graph.state_dict()
    common = [name for name in own if name in tensors]
    shapes = [name for name in common if own[name].shape != tensors[name].shape]
    types = [name for name in common if own[name].dtype != tensors[name].dtype]
    found = Fit(
        taken={name: name for name in common if name not in {*shapes, *types}},
        missing=tuple(name for name in own if name not in tensors),
        unexpected=tuple(sorted(tensors.keys() - own.keys())),
        misshapen=tuple(shapes),
        mistyped=tuple(types),
    )
    if not found.whole:
        raise _refused(file, f"it is not a checkpoint of this plan: {found}")
    broken = next((name for name in common if not bool(tensors[name].isfinite().all())), None)
    if broken is not None:
        raise _refused(file, f"`{broken}` in it is not finite")
    graph.load_state_dict(dict(tensors))


def put_optimizer(
    optimizer: torch.optim.Optimizer, state: Mapping[str, object], *, plan: Plan, file: Path
) -> None:
    """Load the optimizer's part of a checkpoint's state.

    Raises:
        FolderMismatch: it is missing, or belongs to another optimizer than the plan's.
    """
    planned = [dict(group) for group in optimizer.param_groups]
    try:
        optimizer.load_state_dict(state["optimizer"])  # pyright: ignore[reportArgumentType] - anything may be in a file
    except Exception as error:  # torch does not validate the state
        raise _refused(file, "it has no state of this plan's optimizer") from error
    for saved, fresh in zip(optimizer.param_groups, planned, strict=True):
        _check_settings(saved, fresh, file=file)
    expected = _state_names(plan)
    for parameter, of_one in optimizer.state.items():
        _check_state(parameter, of_one, expected=expected, file=file)


def _check_settings(
    saved: Mapping[str, object], fresh: Mapping[str, object], *, file: Path
) -> None:
    """Check that a group of parameters has the settings of the plan."""
    settled = fresh.keys() - _SET_EVERY_STEP - _OF_THE_MACHINE
    other = sorted(n for n in settled if n not in saved or saved[n] != fresh[n])
    other += sorted((fresh.keys() & (_SET_EVERY_STEP | _OF_THE_MACHINE)) - saved.keys())
    if other:
        named = ", ".join(f"`{name}`" for name in other)
        raise _refused(file, f"its optimizer has another {named} than the plan's")


def _check_state(
    parameter: object, of_one: object, *, expected: frozenset[str], file: Path
) -> None:
    """Check the optimizer's numbers for one parameter: each of its shape, or a single one."""
    fits = (
        isinstance(parameter, nn.Parameter)
        and isinstance(of_one, dict)
        and of_one.keys() == expected
        and all(
            isinstance(value, Tensor) and value.shape in {parameter.shape, torch.Size(())}
            for value in of_one.values()
        )
    )
    if not fits:
        raise _refused(file, "its optimizer's state has other names or shapes than this plan's")


def _state_names(plan: Plan) -> frozenset[str]:
    """Return the names of what the plan's optimizer keeps for every parameter after a step."""
    parameter = nn.Parameter(torch.zeros(1))
    parameter.grad = torch.zeros(1)
    optimizer = build_optimizer(plan, [("one", parameter)])
    optimizer.step()
    return frozenset(str(name) for name in optimizer.state[parameter])


def _refused(file: Path, why: str) -> FolderMismatch:
    return FolderMismatch(f"`{file}` cannot be resumed from: {why}", help=HELP)
