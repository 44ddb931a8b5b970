"""Weights of another training, used by name in place of fresh ones; never a resume.

Names are those of a checkpoint: ``students.encoder.blocks.0…``, ``teachers.…``, ``terms.…``. A
teacher's parameter that is missing in the file starts as its student's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from eqspec.build.graph.training_graph import TrainGraph
from eqspec.build.weights.digest import check_digest
from eqspec.build.weights.paths import is_there
from eqspec.compile.types.initial_weights import InitPlan
from eqspec.compile.types.plan import Plan
from eqspec.errors import UsageError
from eqspec.nn.world import World

Shapes = Mapping[str, tuple[int, ...]]

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Fit:
    """Match between the tensors of a file and the names and shapes of a graph.

    Attributes:
        taken: name in the graph → name in the file.
        missing: names of the graph that the file lacks.
        unexpected: names of the file that the graph lacks.
        misshapen: names of both, of different shapes.
        mistyped: names of both, integers in one and real numbers in the other.
    """

    taken: Mapping[str, str]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]
    mistyped: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every name in the file and in the graph has a counterpart."""
        return not (self.missing or self.unexpected or self.misshapen or self.mistyped)

    def __str__(self) -> str:
        named = (
            ("missing in the file", self.missing),
            ("unexpected", self.unexpected),
            ("of another shape", self.misshapen),
            ("of another type", self.mistyped),
        )
        parts = [f"{len(names)} {what} ({_few(names)})" for what, names in named if names]
        return ", ".join([f"{len(self.taken)} tensors matched", *parts])


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN])
    return f"{shown}, …" if len(names) > _SHOWN else shown


def fit(wanted: Shapes, found: Shapes) -> Fit:
    """Match tensors by name and shape."""
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
    """Return the student's name of a teacher's parameter: ``teachers.t.m.x`` → ``students.m.x``."""
    parts = name.split(".", 2)
    return f"students.{parts[2]}" if parts[0] == "teachers" else name


def fit_of(plan: Plan) -> Fit | None:
    """Return how the weights that a plan starts from fit it; None without any.

    Raises:
        UsageError: the file is missing; it does not fit, and a partial fit is not allowed; or a
            value in use is not finite.
    """
    if plan.init is None:
        return None
    with torch.device("meta"):
        graph = TrainGraph(plan.graph, world=World())
    path = _readable(Path(plan.init.weights))
    return _fitted(graph.state_dict(), _tensors(path), plan.init)


def load_initial(graph: TrainGraph, init: InitPlan) -> None:
    """Load the weights of a file into a graph.

    Raises:
        UsageError: the file is not the planned one, or does not fit.
    """
    path = _readable(Path(init.weights))
    check_digest(path, sha256=init.sha256)
    own, tensors = graph.state_dict(), _tensors(path)
    found = _fitted(own, tensors, init)
    with torch.no_grad():
        for name, source in found.taken.items():
            own[name].copy_(tensors[source])


def need_numbers(taken: Mapping[str, str], tensors: Mapping[str, Tensor], *, subject: str) -> None:
    """Refuse weights with a value that is not finite.

    Args:
        taken: name in the graph → name in the file.
        subject: subject of the message.

    Raises:
        UsageError: with the first such tensor.
    """
    for own, source in taken.items():
        if not bool(at_least_half(tensors[source]).isfinite().all()):
            raise UsageError(
                f"{subject} contain values that are not finite (`{own}`)",
                help="the file is damaged, or was saved from a training that had ended: fetch it "
                "again",
            )


def at_least_half(found: Tensor) -> Tensor:
    """Return the same values in a type that torch computes with, which eight-bit floats are not."""
    return found.float() if found.is_floating_point() and found.itemsize == 1 else found


def same_kind(wanted: Tensor, found: Tensor) -> bool:
    """Return whether two types are both real or both integer."""
    return wanted.is_floating_point() == found.is_floating_point() and not found.is_complex()


def _fitted(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor], init: InitPlan) -> Fit:
    shapes = {name: tuple(t.shape) for name, t in own.items()}
    found = fit(shapes, {name: tuple(t.shape) for name, t in tensors.items()})
    odd = [n for n, source in found.taken.items() if not same_kind(own[n], tensors[source])]
    found = replace(
        found,
        taken={n: source for n, source in found.taken.items() if n not in odd},
        mistyped=tuple(odd),
    )
    if not (found.whole or (init.partial and found.taken)):
        message = f"`{init.weights}` does not fit: {found}"
        advice = "take what fits: `init_from: {weights: …, partial: true}`" if found.taken else None
        raise UsageError(
            message, help=advice or "start from weights of the same backbone and method"
        )
    need_numbers(found.taken, tensors, subject=f"the weights in `{init.weights}`")
    return found


def _tensors(path: Path) -> dict[str, Tensor]:
    """Return all tensors of a safetensors file, mapped: only those in use are read."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except Exception as error:  # any byte of it may be damaged
        raise UsageError(f"`{path}` is not a safetensors file: {error}") from error


def _readable(path: Path) -> Path:
    if is_there(path):
        return path
    raise UsageError(
        f"the weights to start from are gone: there is no file `{path}`",
        help="checkpoints of a run may be removed by its `keep:` rule; point `init_from` elsewhere",
    )
