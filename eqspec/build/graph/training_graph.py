"""The training graph in torch, in two parts cut at the encoders' outputs.

`Encode` computes tokens from images, sample by sample: it may run on micro-batches. `ComputeLoss`
computes the loss terms from the tokens of a rank's whole share of the batch; statistics over other
ranks' samples are gathered. With this cut, micro-batches and ranks give the exact gradient of the
global batch (docs/decisions.md, 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from eqspec.build.graph.interpreter import Instruction, instruction, run
from eqspec.compile.graph.predictor import evaluated_nodes
from eqspec.compile.types.graph import GraphPlan, ModulePlan, Node, TermPlan
from eqspec.nn.world import World
from eqspec.ops.find import find_module, find_term
from eqspec.spec.use import OpCall


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of a batch.

    Attributes:
        total: weighted sum of the terms, a scalar; the trained loss is its mean over ranks.
        terms: each term before its weight.
    """

    total: Tensor
    terms: dict[str, Tensor]


class Encode(nn.Module):
    """First part of the graph: inputs of a micro-batch → the streams at the cut."""

    def __init__(self, trained: tuple[Instruction, ...], others: tuple[Instruction, ...]) -> None:
        super().__init__()
        self._trained = trained
        self._others = others

    def forward(self, streams: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the streams at the cut, by name.

        Args:
            streams: images by group, masks, drop-path multipliers.
        """
        return {**self.students(streams), **_outputs(self._others, streams)}

    def students(self, streams: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the streams at the cut that carry gradient."""
        return _outputs(self._trained, streams)

    @property
    def inputs(self) -> frozenset[str]:
        """Names of the streams that it reads."""
        return frozenset(n for step in (*self._trained, *self._others) for n in step.reads)


class ComputeLoss(nn.Module):
    """Second part of the graph: streams at the cut and inputs → the loss."""

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
        """Return the loss of this rank.

        Args:
            streams: streams at the cut, and the inputs that terms read.
            controls: scheduled values as 0-dim tensors: ``<term>.weight``, ``<term>.<parameter>``.
        """
        found = run(self.instructions, streams)
        device = next(iter(streams.values())).device.type
        values: dict[str, Tensor] = {}
        total: Tensor | None = None
        for name, ports, scheduled in self._terms:
            connected = {
                port: found[of] if isinstance(of, str) else tuple(found[s] for s in of)
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
        terms: term name → module, which may have state such as centres.
    """

    def __init__(self, plan: GraphPlan, *, world: World) -> None:
        super().__init__()
        self.plan = plan
        self.students = nn.ModuleDict({m.name: build_module(m, world=world) for m in plan.modules})
        self._frozen = tuple(m.name for m in plan.modules if m.frozen)
        for name in self._frozen:
            self.students[name].requires_grad_(requires_grad=False)
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
            self._instructions(tuple(n for n in plan.encode if plan.is_trained(n))),
            self._instructions(tuple(n for n in plan.encode if not plan.is_trained(n))),
        )
        self.loss = ComputeLoss(self._instructions(plan.loss), plan.terms, built=self.terms)

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
        """Return the loss of one whole batch, through both parts."""
        return self.loss({**streams, **self.encode(streams)}, controls)

    def computing(self, wanted: Iterable[str]) -> tuple[Instruction, ...]:
        """Return the instructions for some streams in eval mode, and no others.

        They read views, actions and drawn parameters, not what training draws for every step.
        """
        return self._instructions(evaluated_nodes(self.plan, wanted))

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's signature
        """Put all modules but the frozen ones into a mode; those stay in eval mode."""
        super().train(mode)
        for name in self._frozen:
            self.students[name].eval()
        return self

    def encoder(self) -> nn.Module:
        """Return the backbone that evaluations use: the teacher's copy if there is one."""
        name = next(m.name for m in self.plan.modules if m.family == "backbones")
        followed = (self.copies(t.name)[name] for t in self.plan.teachers if name in t.follows)
        return next(followed, self.students[name])

    def copies(self, teacher: str) -> dict[str, nn.Module]:
        """Return the modules of a teacher by name."""
        copies = self.teachers[teacher]
        assert isinstance(copies, nn.ModuleDict), "built as one"
        return dict(copies.items())

    def trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Return (name, parameter) of everything that the optimizer updates."""
        return ((n, p) for n, p in self.students.named_parameters() if p.requires_grad)


def _full_precision(device: str) -> AbstractContextManager[object]:
    """Return a region of full precision for losses; meta tensors have no autocast."""
    return nullcontext() if device == "meta" else torch.autocast(device, enabled=False)


def _outputs(
    instructions: tuple[Instruction, ...], streams: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    found = run(instructions, streams)
    return {step.out: found[step.out] for step in instructions}


def build_module(plan: ModulePlan, *, world: World) -> nn.Module:
    """Build the module of a plan, with parameters that are not initialised yet."""
    op = find_module(plan.family, plan.impl)
    return op.build(op.Params.model_validate(plan.params), plan.inputs, world=world)


def _copied(plan: ModulePlan, excludes: tuple[str, ...]) -> ModulePlan:
    """Return the plan of a teacher's copy: the same module without the excluded parameters."""
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
    """Return controls of a graph in which nothing is scheduled, for tests and traces."""
    controls: dict[str, Tensor] = {}
    for term in plan.terms:
        for name, value in {"weight": term.weight, **term.scheduled}.items():
            number = 1.0 if isinstance(value, OpCall) else value
            controls[f"{term.name}.{name}"] = torch.tensor(number, dtype=dtype)
    return controls
