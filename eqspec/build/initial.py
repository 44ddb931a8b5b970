"""Weights of another training, put in place of fresh ones by name; never a resume.

Names are those of a checkpoint: ``students.encoder.blocks.0…``, ``teachers.…``, ``terms.…``. What a
teacher finds no weights of its own for starts as its student does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from eqspec.build.digest import check_digest
from eqspec.build.graph import TrainGraph
from eqspec.compile.plan import Plan
from eqspec.compile.start import InitPlan
from eqspec.errors import UsageError
from eqspec.nn.world import World

Shapes = Mapping[str, tuple[int, ...]]

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Fit:
    """How the tensors of a file fit the names and shapes of a graph.

    Attributes:
        taken: name in the graph → name in the file.
        missing: names of the graph that the file has nothing for.
        unexpected: names of the file that the graph has no place for.
        misshapen: names of both, of different shapes.
    """

    taken: Mapping[str, str]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Everything on both sides has found its counterpart."""
        return not (self.missing or self.unexpected or self.misshapen)

    def __str__(self) -> str:
        named = (
            ("missing in the file", self.missing),
            ("unexpected", self.unexpected),
            ("of another shape", self.misshapen),
        )
        parts = [f"{len(names)} {what} ({_few(names)})" for what, names in named if names]
        return ", ".join([f"{len(self.taken)} tensors matched", *parts])


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN])
    return f"{shown}, …" if len(names) > _SHOWN else shown


def fit(wanted: Shapes, found: Shapes) -> Fit:
    """Matches by name and shape."""
    taken: dict[str, str] = {}
    missing: list[str] = []
    misshapen: list[str] = []
    for name, shape in wanted.items():
        source = next((n for n in (name, _student_of(name)) if n in found), None)
        if source is None:
            missing.append(name)
        elif found[source] != shape:
            misshapen.append(name)
        else:
            taken[name] = source
    return Fit(taken, tuple(missing), tuple(sorted(found.keys() - wanted.keys())), tuple(misshapen))


def _student_of(name: str) -> str:
    """The student's name of a teacher's parameter: ``teachers.t.m.x`` → ``students.m.x``."""
    parts = name.split(".", 2)
    return f"students.{parts[2]}" if parts[0] == "teachers" else name


def fit_of(plan: Plan) -> Fit | None:
    """How the weights that a plan starts from fit it, from the file's header; None without any.

    Raises:
        UsageError: when the file is not there, or does not fit and that was not asked for.
    """
    if plan.init is None:
        return None
    with torch.device("meta"):
        graph = TrainGraph(plan.graph, world=World())
    wanted = {name: tuple(t.shape) for name, t in graph.state_dict().items()}
    found = fit(wanted, _header(Path(plan.init.weights)))
    _check(found, plan.init)
    return found


def load_initial(graph: TrainGraph, init: InitPlan) -> None:
    """Puts the weights of a file into a graph.

    Raises:
        UsageError: when it is not the file that the plan was made with, or does not fit.
    """
    path = Path(init.weights)
    check_digest(_readable(path), sha256=init.sha256)
    held, tensors = graph.state_dict(), load_file(path)
    shapes = {name: tuple(t.shape) for name, t in held.items()}
    found = fit(shapes, {name: tuple(t.shape) for name, t in tensors.items()})
    _check(found, init)
    with torch.no_grad():
        for name, source in found.taken.items():
            held[name].copy_(tensors[source])


def _check(found: Fit, init: InitPlan) -> None:
    if found.whole or (init.partial and found.taken):
        return
    advice = "take what fits: `init_from: {weights: …, partial: true}`" if found.taken else None
    message = f"`{init.weights}` does not fit: {found}"
    raise UsageError(message, help=advice or "start from weights of the same backbone and method")


def _header(path: Path) -> Shapes:
    try:
        with safe_open(_readable(path), framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except SafetensorError as error:
        raise UsageError(f"`{path}` is not a safetensors file: {error}") from error


def _readable(path: Path) -> Path:
    if path.is_file():
        return path
    raise UsageError(
        f"the weights to start from are gone: there is no file `{path}`",
        help="checkpoints of a run may be removed by its `keep:` rule; point `init_from` elsewhere",
    )
