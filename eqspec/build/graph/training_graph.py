"""The training graph in torch, in two parts cut at the encoders' outputs.

`Encode` turns images into tokens, sample by sample: it may run on micro-batches. `Judge` turns the
tokens of a rank's whole share of the batch into the terms of the loss; what needs the other ranks'
samples gathers them. Cut there, micro-batches and ranks give the exact gradient of the global batch
(docs/decisions.md, 1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from eqspec.build.graph.interpreter import Instruction, instruction, run
from eqspec.compile.types.graph import ApplyNode, GraphPlan, ModulePlan, Node, TermPlan
from eqspec.nn.world import World
from eqspec.ops.find import find_module, find_term
from eqspec.spec.use import OpCall


@dataclass(frozen=True, slots=True)
class Loss:
    """What the judge says.

    Attributes:
        total: weighted sum of the terms, a scalar; its mean over ranks is what is trained.
        terms: each term before its weight.
    """

    total: Tensor
    terms: dict[str, Tensor]


class Encode(nn.Module):
    """Inputs of a micro-batch → the streams at the cut."""

    def __init__(
        self, students: tuple[Instruction, ...], teachers: tuple[Instruction, ...]
    ) -> None:
        super().__init__()
        self._students = students
        self._teachers = teachers

    def forward(self, streams: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Streams at the cut, by name.

        Args:
            streams: images by group, masks, drop-path multipliers.
        """
        return {**self.students(streams), **_made(self._teachers, streams)}

    def students(self, streams: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The streams at the cut that carry gradient."""
        return _made(self._students, streams)

    @property
    def inputs(self) -> frozenset[str]:
        """Names of the streams that are read."""
        return frozenset(n for step in (*self._students, *self._teachers) for n in step.reads)


class Judge(nn.Module):
    """Streams at the cut and inputs → the loss."""

    def __init__(
        self,
        instructions: tuple[Instruction, ...],
        terms: tuple[TermPlan, ...],
        *,
        built: nn.ModuleDict,
    ) -> None:
        super().__init__()
        self.instructions = instructions
        self._terms = tuple((t.name, t.ports, tuple(t.scheduled)) for t in terms)
        self._built = dict(built.items())  # registered once, by the TrainGraph

    def forward(self, streams: Mapping[str, Tensor], controls: Mapping[str, Tensor]) -> Loss:
        """The loss of this rank.

        Args:
            streams: what crosses the cut, and the inputs that terms read.
            controls: scheduled values as 0-dim tensors: ``<term>.weight``, ``<term>.<parameter>``.
        """
        made = run(self.instructions, streams)
        device = next(iter(streams.values())).device.type
        values: dict[str, Tensor] = {}
        total: Tensor | None = None
        for name, ports, scheduled in self._terms:
            connected = {
                port: made[of] if isinstance(of, str) else tuple(made[s] for s in of)
                for port, of in ports.items()
            }
            moving = {param: controls[f"{name}.{param}"] for param in scheduled}
            with _full_precision(device):
                values[name] = self._built[name](**connected, **moving)
            weighted = controls[f"{name}.weight"].to(values[name].dtype) * values[name]
            total = weighted if total is None else total + weighted
        assert total is not None, "a plan has at least one term"
        return Loss(total=total, terms=values)


class TrainGraph(nn.Module):
    """Modules, teachers, and the two parts that run them.

    Attributes:
        students: module name → trained module.
        teachers: teacher name → module name → its copy, without gradient.
        terms: term name → module (which may hold state such as centres).
    """

    def __init__(self, plan: GraphPlan, *, world: World) -> None:
        super().__init__()
        self.plan = plan
        self.students = nn.ModuleDict({m.name: build_module(m, world=world) for m in plan.modules})
        by_name = {m.name: m for m in plan.modules}
        self.teachers = nn.ModuleDict()
        for teacher in plan.teachers:
            copies = nn.ModuleDict(
                {
                    n: build_module(_copied(by_name[n], teacher.excludes), world=world)
                    for n in teacher.follows
                }
            )
            self.teachers[teacher.name] = copies.requires_grad_(requires_grad=False)
        self.terms = nn.ModuleDict({t.name: _build_term(t, world=world) for t in plan.terms})
        self.encode = Encode(
            self._instructions(tuple(n for n in plan.encode if not _is_teacher(n))),
            self._instructions(tuple(n for n in plan.encode if _is_teacher(n))),
        )
        self.judge = Judge(self._instructions(plan.judge), plan.terms, built=self.terms)

    def _instructions(self, nodes: tuple[Node, ...]) -> tuple[Instruction, ...]:
        modules = dict(self.students.items())
        for teacher in self.plan.teachers:
            modules |= {f"{teacher.name}.{n}": m for n, m in self.copies(teacher.name).items()}
        per_view = frozenset(
            m.name for m in self.plan.modules if find_module(m.family, m.impl).per_view
        )
        return tuple(
            instruction(node, types=self.plan.streams, modules=modules, per_view=per_view)
            for node in nodes
        )

    def forward(self, streams: Mapping[str, Tensor], controls: Mapping[str, Tensor]) -> Loss:
        """The loss of one whole batch, encode and judge in one go."""
        return self.judge({**streams, **self.encode(streams)}, controls)

    def encoder(self) -> nn.Module:
        """The backbone that evaluations use: the teacher's copy where there is one."""
        name = next(m.name for m in self.plan.modules if m.family == "backbones")
        followed = (self.copies(t.name)[name] for t in self.plan.teachers if name in t.follows)
        return next(followed, self.students[name])

    def copies(self, teacher: str) -> dict[str, nn.Module]:
        """The modules of a teacher by name."""
        held = self.teachers[teacher]
        assert isinstance(held, nn.ModuleDict), "built as one"
        return dict(held.items())

    def trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        """(name, parameter) of everything the optimizer moves."""
        return ((n, p) for n, p in self.students.named_parameters() if p.requires_grad)


def _full_precision(device: str) -> AbstractContextManager[object]:
    """Losses are never computed in half precision; meta tensors know no autocast."""
    return nullcontext() if device == "meta" else torch.autocast(device, enabled=False)


def _made(
    instructions: tuple[Instruction, ...], streams: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    made = run(instructions, streams)
    return {step.out: made[step.out] for step in instructions}


def _is_teacher(node: Node) -> bool:
    return isinstance(node, ApplyNode) and node.teacher is not None


def build_module(plan: ModulePlan, *, world: World) -> nn.Module:
    """The module of a plan, its parameters not yet initialised."""
    op = find_module(plan.family, plan.impl)
    return op.build(op.Params.model_validate(plan.params), plan.inputs, world=world)


def _copied(plan: ModulePlan, excludes: tuple[str, ...]) -> ModulePlan:
    """The teacher's copy: the same module without the parameters it must not have."""
    op = find_module(plan.family, plan.impl)
    names = {name.partition(".")[2] for name in excludes if name.partition(".")[0] == plan.name}
    absent = {n: op.Params.model_fields[n].default for n in names if n in op.Params.model_fields}
    return plan.model_copy(update={"params": {**plan.params, **absent}})


def _build_term(plan: TermPlan, *, world: World) -> nn.Module:
    op = find_term(plan.impl)
    params = op.Params.model_validate({**plan.params, **_plain(plan)})
    return op.build(params, plan.inputs, world=world)


def _plain(plan: TermPlan) -> dict[str, Any]:
    return {n: v.model_dump() if isinstance(v, OpCall) else v for n, v in plan.scheduled.items()}


def constant_controls(plan: GraphPlan, *, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Controls for a graph in which nothing is scheduled; tests and traces use it."""
    controls: dict[str, Tensor] = {}
    for term in plan.terms:
        for name, value in {"weight": term.weight, **term.scheduled}.items():
            number = 1.0 if isinstance(value, OpCall) else value
            controls[f"{term.name}.{name}"] = torch.tensor(number, dtype=dtype)
    return controls
