"""Cost of a run, and the gradient share of the terms added by a rewrite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from eqspec.build.cost.trace import trace
from eqspec.commands.planning.plans import settings_read, spec_of
from eqspec.compile.types.plan import Plan
from eqspec.errors import FolderMismatch
from eqspec.runs import journal
from eqspec.runs.artifacts import read_document
from eqspec.runs.folder import RunFolder
from eqspec.spec.use import OpCall


@dataclass(frozen=True, slots=True)
class Effort:
    """Cost of a run.

    Attributes:
        samples: number of images seen, including repeats.
        seconds: wall time of its steps.
        parameters: number of trained parameters.
        encoder: number of trained parameters of the encoder.
        compiling: seconds of these spent in `torch.compile`.
        compiled_late: number of variants compiled after the first steps; normally 0.
    """

    name: str
    samples: int
    seconds: float
    parameters: int
    encoder: int
    compiling: float = 0.0
    compiled_late: int = 0


@dataclass(frozen=True, slots=True)
class Added:
    """A term added by a rewrite.

    Attributes:
        weight: its weight in the loss; None if it follows a schedule.
        by_lambda: whether the weight is the spec's λ.
        reduction: reduction of its errors to one number, if the op has several.
    """

    term: str
    weight: float | None
    by_lambda: bool
    reduction: str | None


@dataclass(frozen=True, slots=True)
class Pull:
    """Gradient of the terms added by a rewrite at the encoder, relative to the method's terms.

    Attributes:
        step: step of the last measurement.
        ratio: ratio of the norms of the two gradients at the encoder's output; None if the
            denominator is 0.
        paper: of the rewrite's card.
    """

    name: str
    step: int
    ratio: float | None
    added: tuple[Added, ...]
    paper: str | None = None


class _Trace(BaseModel):
    model_config = ConfigDict(frozen=True)

    parameters: dict[str, int]
    train_gflops_per_sample: float | None = None


def effort(name: str, plan: Plan, folder: Path) -> Effort:
    """Return the cost of a run from its folder."""
    train = plan.train
    counts = _parameters(plan, folder)
    encoder = next(m.name for m in plan.graph.modules if m.family == "backbones")
    opened = RunFolder(folder)
    opened.sealed().require(opened.timing.name)
    rows = tuple(journal.read(opened.timing))
    compiled = [row.values for row in rows if row.name == "compile"]
    return Effort(
        name=name,
        samples=train.steps * train.batch,
        seconds=sum(row.values["seconds"] for row in rows if row.name == "train"),
        parameters=sum(counts.values()) if plan.trains else 0,
        encoder=counts[encoder],
        compiling=sum(values["seconds"] for values in compiled),
        compiled_late=int(sum(values["late"] for values in compiled)),
    )


@dataclass(frozen=True, slots=True)
class StepCost:
    """Cost of a step of a run.

    Attributes:
        seconds: mean wall time, without compilation.
        gflops: planned 10⁹ operations of a sample, forward and backward.
    """

    seconds: float
    gflops: float


def step_cost(plan: Plan, folder: Path) -> StepCost | None:
    """Return the cost of a step of a run from its folder; None if nothing there says so.

    Raises:
        FolderMismatch: a file differs from the run's seal.
    """
    opened, path = RunFolder(folder), folder / "trace.json"
    if not (path.is_file() and opened.timing.is_file() and plan.trains):
        return None
    for name in (path.name, opened.timing.name):
        opened.sealed().require(name)
    gflops = read_document(path, kind=_Trace).train_gflops_per_sample
    rows = tuple(journal.read(opened.timing))
    took = {n: sum(r.values["seconds"] for r in rows if r.name == n) for n in ("train", "compile")}
    seconds = (took["train"] - took["compile"]) / plan.train.steps
    return None if gflops is None else StepCost(seconds=seconds, gflops=gflops)


def _parameters(plan: Plan, folder: Path) -> Mapping[str, int]:
    """Return module → number of parameters, counted again if the file with them is missing."""
    path = folder / "trace.json"
    try:
        RunFolder(folder).sealed().require(path.name)
        return read_document(path, kind=_Trace).parameters
    except FolderMismatch:
        return trace(plan).parameters


def pulls(name: str, plan: Plan, folder: Path) -> Iterator[Pull]:
    """Return the gradient share of the added terms, if there are any that are weighted."""
    graph = plan.graph
    if not any(term.weight for term in graph.terms if term.name in graph.added):
        return
    opened = RunFolder(folder)
    opened.sealed().require(opened.metrics.name)
    rows = journal.read(opened.metrics)
    measured = [row for row in rows if "cut.added" in row.values]
    if not measured:
        return
    values, asked = measured[-1].values, spec_of(plan).equivariance
    assert asked != "none", "a rewrite added the terms"
    yield Pull(
        name=name,
        step=measured[-1].step,
        ratio=values["cut.added"] / values["cut.method"] if values["cut.method"] else None,
        added=tuple(
            Added(
                term=term.name,
                weight=None if isinstance(term.weight, OpCall) else term.weight,
                by_lambda="lambda" in settings_read(plan) and term.weight == asked.lambda_,
                reduction=str(term.params["reduction"]) if "reduction" in term.params else None,
            )
            for term in graph.terms
            if term.name in graph.added
        ),
        paper=_paper(plan),
    )


def _paper(plan: Plan) -> str | None:
    """Return the paper that the rewrite is from; None of variants that are ours."""
    section = plan.resolved.get("equivariance")
    card = section.get("use") if isinstance(section, dict) else None
    theirs = isinstance(card, dict) and card.get("status") != "ours"
    paper = card.get("paper") if isinstance(card, dict) and theirs else None
    return paper if isinstance(paper, str) else None
