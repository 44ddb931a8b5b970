"""Output of `eqspec plan`: choices, views, graph, training, cost, folders and stages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import groupby

from pydantic import JsonValue
from rich.text import Text

from eqspec.build.data.workers import readers
from eqspec.cli.columns import aligned
from eqspec.cli.layout import heading, wrapped
from eqspec.cli.render.cost import cost_rows
from eqspec.cli.render.evaluations import evaluation_rows
from eqspec.cli.render.floors import NOTE as FLOORS
from eqspec.cli.render.floors import floor_rows
from eqspec.cli.render.graph import Row, graph_rows, op_call, quantity
from eqspec.cli.render.rehearsal import rehearsal_rows
from eqspec.cli.render.stages import LEGEND, stage_rows
from eqspec.cli.render.weights import weight_rows
from eqspec.commands.plan import Described, Planning
from eqspec.commands.planning.plans import settings_read, spec_of
from eqspec.compile.lookup.card_slots import recipe_slots, value_at
from eqspec.compile.types.pairs import PairPlan
from eqspec.compile.types.plan import Plan
from eqspec.compile.types.view_plan import PathPlan, SingleViewPlan
from eqspec.report.numbers import number
from eqspec.spec.phrases import counted
from eqspec.spec.use import OpCall


def planned(planning: Planning, *, width: int) -> Text:
    """Return the page of a spec's own plan, with its variants listed under runs and stages."""
    own = planning.own
    sections = {
        "views": _views(own),
        "graph": graph_rows(own.plan.graph),
        "weights": weight_rows(own),
        "training": _training(own.plan) if own.plan.trains else [],
        "evaluations": evaluation_rows(own.plan),
        "floors": floor_rows(own),
        "cost": cost_rows(own),
        "rehearsal": rehearsal_rows(own),
        "runs": _runs(planning),
        "stages": stage_rows(planning),
    }
    parts = [
        _head(own.plan, width=width),
        aligned(_choices(own.plan), width=width),
        *(_section(title, rows, width=width) for title, rows in sections.items() if rows),
        *(wrapped(note, width=width) for note in own.plan.notes),
        *(wrapped(_needed(name), width=width) for name in planning.needed),
    ]
    return Text("\n\n").join(parts)


def _needed(name: str) -> str:
    return f"A run reads `{name}`, but its location is not configured: --data {name}=DIR."


def graph(plan: Plan, *, width: int) -> Text:
    """Return the section with the training graph."""
    return _section("graph", graph_rows(plan.graph), width=width)


def _section(title: str, rows: Sequence[Row], *, width: int) -> Text:
    note = {"stages": LEGEND, "floors": FLOORS}.get(title, "")
    head = heading(title, note=note, width=width)
    return Text("\n").join([head, aligned(rows, indent=2, width=width)])


def _head(plan: Plan, *, width: int) -> Text:
    title = heading(plan.name, note=f"{plan.recipe[:8]}-s{plan.seed}")
    about = spec_of(plan).about
    return Text("\n").join([title, wrapped(about, width=width)]) if about else title


def _choices(plan: Plan) -> list[Row]:
    notes = {
        "equivariance": _rewrite(plan),
        "transform": _transform(plan),
        "backbone": _backbone(plan),
        "data": f"{number(plan.data.count)} {_samples(plan)}",
    }
    rows: list[Row] = []
    for slot in recipe_slots():
        card = value_at(dict(plan.resolved), slot.at(None).body)
        if isinstance(card, dict):
            name, rev = Text(str(card["name"]), "cyan"), Text(f"rev {card['rev']}", "dim")
            rows.append([Text(slot.name, "bold"), name, rev, notes.get(slot.name, "")])
    return rows


def _rewrite(plan: Plan) -> str:
    equivariance = spec_of(plan).equivariance
    if equivariance == "none":
        return ""
    read = settings_read(plan)
    parameters = [f"λ = {number(equivariance.lambda_)}"] if "lambda" in read else []
    parameters += [equivariance.reduction] if "reduction" in read else []
    parts = "the embedding stays whole"
    if plan.graph.split is not None:
        inv, equi = plan.graph.split
        parts = f"{plan.graph.embedding} → {inv} invariant + {equi} equivariant features"
    return "; ".join([", ".join(parameters), parts]) if parameters else parts


def _transform(plan: Plan) -> str:
    path, pair = plan.views.path, plan.views.pair
    if path is not None:
        return op_call(path.impl, path.params, family="transforms")
    if pair is not None and pair.relation is not None:
        return op_call(pair.relation.impl, pair.relation.params, family="relations")
    return ""


def _samples(plan: Plan) -> str:
    what = "images" if plan.views.pair is None else "objects"
    return f"{what} for training" if plan.trains else what


def _backbone(plan: Plan) -> str:
    module = next(m for m in plan.graph.modules if m.family == "backbones")
    return op_call(module.impl, module.params, family=module.family)


def _views(described: Described) -> list[Row]:
    plan, rows = described.plan, list[Row]()
    for _, alike in groupby(plan.views.views, lambda view: view.model_copy(update={"index": 0})):
        rows += _alike(tuple(alike), described)
    if plan.views.path is not None:
        rows.append([Text("path", "cyan"), "", _along(plan.views.path)])
    if plan.views.pair is not None:
        rows.append([Text("pair", "cyan"), "", _paired(plan.views.pair)])
    return rows


def _alike(views: tuple[SingleViewPlan, ...], described: Described) -> list[Row]:
    """Return the rows of consecutive views with the same settings."""
    plan, view = described.plan, views[0]
    last = "" if len(views) == 1 else f"–{views[-1].index}"
    name = f"{view.group} {view.index}{last}"
    rows: list[Row] = [[Text(name, "cyan"), f"{view.size} px", _origin(view)]]
    if view.canvas > view.size:
        path = plan.views.path
        moved = path is not None and (view.group, view.index) == (path.group, path.view)
        margin = "a margin for the transform" if moved else "a margin"
        canvas = f"centre of a canvas of {view.canvas} px, with {margin}"
        rows.append(["", "", canvas])
        shown = described.shown.get((view.group, view.index))
        if shown is not None:
            rows.append(["", "", f"the view then shows {_range(shown)} of the area"])
    if view.shared is not None:
        own = "" if not view.shared.own else f", all but {', '.join(view.shared.own)}"
        rows.append(["", "", f"{view.shared.samples} samples in a row share their draws{own}"])
    steps = (
        f"{op_call(step.impl, step.params, family='transforms')} p={number(step.p)}"
        for step in view.steps
    )
    return [*rows, ["", "", Text(" · ".join(steps))]] if view.steps else rows


def _origin(view: SingleViewPlan) -> str:
    """Describe the image region that a view starts from."""
    if view.copy_of is not None:
        return f"{view.group} {view.copy_of} again, with"
    if view.place_of is not None:
        return f"the part of the image that {view.group} {view.place_of} shows, flipped alike"
    if view.crop.centre is not None:
        return f"the central square, {view.crop.centre:.3g} of the shorter side"
    return f"crop of {_range(view.crop.scale)} of the area"


def _along(path: PathPlan) -> str:
    view = f"{path.group} {path.view} is u under {path.impl}, border {path.border}"
    if not path.fractions:
        return view
    points = ", ".join(str(Fraction(f).limit_denominator(12)) for f in path.fractions)
    return f"{view}; images to reconstruct: u at {points} of the path"


def _paired(pair: PairPlan) -> str:
    stored = "two stored views of an object, drawn anew in every epoch, one for each view in turn"
    if pair.relation is None:
        return stored
    names = ", ".join(pair.relation.names)
    return f"{stored}; {names} of their relation, computed from the {pair.latents} latents of each"


def _range(ends: tuple[float, float]) -> str:
    low, high = (f"{end:.3g}" for end in ends)
    return low if low == high else f"{low} to {high}"


def _training(plan: Plan) -> list[Row]:
    train = plan.train
    steps, samples = counted(train.steps, "step"), number(train.steps * train.batch)
    length = f"{steps} × {number(train.batch)} = {samples} samples"
    passes = f"{train.steps / train.steps_per_epoch:.3g} passes"
    assert train.optimizer is not None, "a plan that trains has one"
    rest = {k: v for k, v in train.optimizer.params.items() if k not in {"lr", "weight_decay"}}
    saves = [pause.step for pause in plan.timetable if pause.checkpoint]
    rows: list[Row] = [
        ["length", f"{length}, {passes} of {counted(train.steps_per_epoch, 'step')}"],
        ["batch", _batch(plan)],
        ["optimizer", op_call(train.optimizer.impl, rest, family="optimizers")],
        ["learning rate", _rate(train.lr)],
        ["weight decay", quantity(train.weight_decay)],
        ["precision", train.precision],
        ["checkpoints", f"{len(saves)}, the first after step {number(saves[0])}"],
        ["images", f"read by {readers(plan)}"],
    ]
    if train.clip is not None:
        over = "everything" if train.clip.over == "all" else f"each {train.clip.over}"
        rows.insert(5, ["clipping", f"to norm {number(train.clip.norm)}, over {over}"])
    return rows


def _batch(plan: Plan) -> str:
    micro_batches, batch = plan.machine.micro_batches, plan.train.batch
    if micro_batches == 1:
        return f"{counted(batch, 'sample')}, shared by all devices, encoded at once"
    return (
        f"{counted(batch, 'sample')}, shared by all devices, each encoding its share "
        f"in {micro_batches} micro-batches: exact, at the cost of one more forward pass"
    )


def _rate(lr: float | OpCall) -> str:
    peak = lr.params.get("peak") if isinstance(lr, OpCall) else None
    return (
        f"{number(peak)} at its peak, {quantity(lr)}" if isinstance(peak, float) else quantity(lr)
    )


def _runs(planning: Planning) -> list[Row]:
    """Return a row per run, in order of execution."""
    return [
        [
            Text(described.plan.name, "cyan"),
            str(described.folder),
            Text(described.state.value, "dim"),
            _changes(described.changes),
        ]
        for described in (*planning.variants, planning.own)
    ]


def _changes(changes: Mapping[str, JsonValue]) -> str:
    return ", ".join(f"{path}: {json.dumps(value)}" for path, value in changes.items())
