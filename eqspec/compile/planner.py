"""The last step of the compiler: from a resolved spec to a plan. Pure and free of torch."""

from __future__ import annotations

from pydantic import JsonValue

from eqspec.compile.evaluation_stages import check_class_tokens, check_predictors, planned_stages
from eqspec.compile.graph.build import CompiledGraph, compile_graph
from eqspec.compile.graph.sample_groups import check_groups, inexact_pieces
from eqspec.compile.identity import data_numbers, hashed, recipe_content, start_content
from eqspec.compile.lookup.locate import location_of
from eqspec.compile.lookup.ops import checked_params, op_in_use
from eqspec.compile.lookup.provenance import origins
from eqspec.compile.lookup.resolve import Resolved, ResolvedEvaluation
from eqspec.compile.resolved_spec import resolved_spec
from eqspec.compile.timetable import times, timetable
from eqspec.compile.training import plan_training, training_clock
from eqspec.compile.types.error import GraphError
from eqspec.compile.types.graph import GraphPlan
from eqspec.compile.types.initial_weights import InitPlan, LayoutPlan, PublishedPlan
from eqspec.compile.types.plan import DataPlan, EvalPlan, KeepPlan, MachinePlan, Plan, TrainPlan
from eqspec.compile.types.provenance import PluginInfo, Provenance
from eqspec.compile.types.view_plan import ViewPlan
from eqspec.compile.views.stored_pairs import pairs_as_stored
from eqspec.compile.views.target_views import check_targets_follow
from eqspec.compile.views.view_plan import group_sizes, plan_views, untouched_views
from eqspec.errors import Diagnostic, SpecError
from eqspec.ops.find import find_dataset, find_evaluation, find_op, op_sha256, plugin_of
from eqspec.registry.cards import DatasetCard
from eqspec.registry.catalog import Card
from eqspec.spec.checkpoints import KeepSpec
from eqspec.spec.duration import Clock
from eqspec.spec.model import Machine
from eqspec.spec.node import dotted
from eqspec.spec.use import OpCall

UNTRAINED = "untrained"
"""Control of published weights: the same encoder with random ones."""

FEWEST_SAVES = 5
"""Checkpoints of a training, unless the spec sets `keep.every`."""


def plan(
    resolved: Resolved,
    *,
    count: int | None = None,
    init: InitPlan | None = None,
    published: PublishedPlan | None = None,
) -> Plan:
    """Return the plan of a resolved spec.

    Args:
        count: training images as found, for data whose card does not promise a number.
        init: the weights that `init_from` names, as found.
        published: those that `backbone.init` names, as far as they were found.

    Raises:
        SpecError: method, rewrite, data and training do not fit together.
    """
    # A folder may have replaced the dataset that the spec was checked with.
    problems = tuple(pairs_as_stored(resolved.cards, resolved.source))
    if problems:
        raise SpecError(problems)
    try:
        return _plan(resolved, count=count, start=(init, published))
    except GraphError as error:
        location = location_of(error, resolved)
        raise SpecError(
            (Diagnostic(error.code, error.message, location=location, help=error.help),)
        ) from None


def _plan(
    resolved: Resolved, *, count: int | None, start: tuple[InitPlan | None, PublishedPlan | None]
) -> Plan:
    init, published = start
    data = _data(resolved, count=count)
    graph, views = _graph_and_views(resolved)
    clock = training_clock(resolved, count=data.count)
    train = plan_training(resolved, clock=clock, modules=graph.plan.modules)
    evaluations = tuple(
        _evaluation(e, at=at, data=data, clock=clock, published=published is not None)
        for at, e in enumerate(resolved.evaluations)
    )
    check_class_tokens(evaluations, graph.plan)
    check_predictors(evaluations, graph.plan)
    check_groups(graph.plan, views, batch=clock.batch)
    provenance = _provenance(resolved, graph, train=train, views=views, published=published)
    keep = _keep(resolved.spec.keep, clock=clock)
    written = resolved_spec(resolved, init=init, published=published)
    return Plan(
        name=resolved.name,
        seed=resolved.spec.seed,
        recipe=hashed(
            recipe_content(
                resolved, provenance=provenance, start=start_content(init, published, views=views)
            )
        ),
        resolved=written,
        provenance=provenance,
        data=data,
        views=views,
        graph=graph.plan,
        train=train,
        evaluations=evaluations,
        timetable=timetable(
            evaluations,
            steps=clock.total,
            checkpoint_every=max(1, clock.total // FEWEST_SAVES),
            keep_every=keep.every,
        ),
        machine=_machine(resolved.spec.machine, graph.plan, batch=clock.batch),
        keep=keep,
        fingerprint=resolved.fingerprint,
        plugins=_plugins(provenance, evaluations),
        origins={dotted(path): str(o) for path, o in origins(resolved, written).items()},
        init=init,
        published=published,
    )


def _graph_and_views(resolved: Resolved) -> tuple[CompiledGraph, ViewPlan]:
    if resolved.spec.train is None:
        return compile_graph(resolved, group_sizes={}), untouched_views(resolved)
    graph = compile_graph(resolved, group_sizes=group_sizes(resolved))
    views = plan_views(
        resolved, between=graph.between, moves=graph.moves, streams=graph.plan.streams
    )
    check_targets_follow(views, graph.plan, dataset=resolved.data.impl)
    return graph, views


def _keep(keep: KeepSpec, *, clock: Clock) -> KeepPlan:
    every = None if keep.every is None else clock.steps(keep.every)
    return KeepPlan(last=keep.last, every=every)


def _machine(machine: Machine, graph: GraphPlan, *, batch: int) -> MachinePlan:
    pieces = 1 if machine.micro_batches == "auto" else machine.micro_batches
    problem = inexact_pieces(graph, piece=batch // pieces) if pieces > 1 else None
    if problem is not None:
        raise GraphError(
            ("machine", "micro_batches"),
            problem,
            help="write `micro_batches: 1`, or give the backbone a `group` that divides a piece",
        )
    return MachinePlan(
        device=machine.device,
        workers=machine.workers,
        compile=machine.compile,
        micro_batches=pieces,
    )


def _data(resolved: Resolved, *, count: int | None) -> DataPlan:
    card = resolved.cards["data"]
    facts = resolved.data.facts
    found = facts.count if facts.count is not None else count
    if found is None:
        raise GraphError(
            ("data",),
            f"the card `{card.name}` states no number of images, and no images have been read",
            help="give the location of the dataset: `--data DIR`",
        )
    return _data_plan(card, at="data", count=found)


def _dataset(card: Card) -> DatasetCard:
    return card.of(DatasetCard).model


def _data_plan(card: Card, *, at: str, count: int) -> DataPlan:
    model = _dataset(card)
    op = op_in_use(find_dataset, model.impl, path=(), card=at)
    params = checked_params(op.Params, model.params, path=(), card=at)
    return DataPlan(
        name=card.name,
        impl=model.impl,
        params=params.model_dump(mode="json", by_alias=True),
        split="train",
        count=count,
        variance=model.facts.variance,
        classes=model.facts.classes,
        held_back=model.held_back,
    )


def _evaluation(
    evaluation: ResolvedEvaluation, *, at: int, data: DataPlan, clock: Clock, published: bool
) -> EvalPlan:
    model, asked, card = evaluation.model, evaluation.asked, evaluation.name
    op = op_in_use(find_evaluation, model.impl, path=(), card=card)
    checked = checked_params(op.Params, evaluation.params, path=(), card=card)
    params = checked.model_dump(mode="json", by_alias=True)
    if model.data is not None:
        own = evaluation.data
        data = _data_plan(own, at=f"{card}.data", count=_dataset(own).facts.count or 0)
    every = None if asked.every is None else clock.steps(asked.every)
    steps = (clock.total,)
    if every:
        steps = times(every, total=clock.total, path=("evaluate", at, "every"))
    identity: dict[str, JsonValue] = {
        "impl": model.impl,
        "rev": op.rev,
        "card": model.rev,
        "params": params,
        "data": {"name": data.name, "params": data_numbers(data.impl, data.params)},
    }
    trained = op.trained_control(checked)
    return EvalPlan(
        id=f"{evaluation.card.name}-{hashed(identity)[:8]}",
        name=evaluation.card.name,
        impl=model.impl,
        rev=op.rev,
        params=params,
        data=data,
        steps=steps,
        controls=(
            *((UNTRAINED,) if published else ()),
            *model.controls,
            *(() if trained is None else (trained,)),
        ),
        stages=planned_stages(op, checked, data=data),
    )


def _provenance(
    resolved: Resolved,
    graph: CompiledGraph,
    *,
    train: TrainPlan,
    views: ViewPlan,
    published: PublishedPlan | None,
) -> tuple[Provenance, ...]:
    """Every card and op that the weights depend on."""
    cards = tuple(_card_used(card) for card in resolved.cards.values())
    if published is not None and published.layout is not None:
        cards = (*cards, _layout_used(published.layout))
    plan = graph.plan
    used = {(m.family, m.impl) for m in plan.modules}
    used |= {("terms", t.impl) for t in plan.terms} | {("masks", i.impl) for i in plan.inputs}
    used |= {("transforms", s.impl) for v in views.views for s in v.steps}
    used |= {("transforms", views.path.impl)} if views.path is not None else set()
    relation = None if views.pair is None else views.pair.relation
    used |= {("relations", relation.impl)} if relation is not None else set()
    used |= {("datasets", resolved.data.impl)}
    used |= set() if train.optimizer is None else {("optimizers", train.optimizer.impl)}
    used |= {("schedules", impl) for impl in _schedules(train, plan)}
    return (*cards, *(_op_used(family, name) for family, name in sorted(used)))


def _schedules(train: TrainPlan, graph: GraphPlan) -> set[str]:
    """Names of all schedules that the plan calls."""
    numbers: list[float | OpCall] = [train.lr, train.weight_decay]
    numbers += [teacher.momentum for teacher in graph.teachers]
    numbers += [n for t in graph.terms for n in (t.weight, *t.scheduled.values())]
    return {number.impl for number in numbers if isinstance(number, OpCall)}


def _card_used(card: Card) -> Provenance:
    return Provenance(
        kind="card", family=card.family, name=card.name, rev=card.model.rev, sha256=card.sha256
    )


def _layout_used(layout: LayoutPlan) -> Provenance:
    return Provenance(
        kind="card", family="layouts", name=layout.name, rev=layout.rev, sha256=layout.sha256
    )


def _plugins(
    provenance: tuple[Provenance, ...], evaluations: tuple[EvalPlan, ...]
) -> tuple[PluginInfo, ...]:
    """The installed packages whose ops the plan uses."""
    ops = [(made.family, made.name) for made in provenance if made.kind == "op"]
    ops += [("evaluations", evaluation.impl) for evaluation in evaluations]
    used: dict[tuple[str, str], tuple[str, ...]] = {}
    for family, name in dict.fromkeys(ops):
        plugin = plugin_of(family, name)
        if plugin is not None:
            key = (plugin.package, plugin.version)
            used[key] = (*used.get(key, ()), f"{family}/{name}")
    return tuple(PluginInfo(name=n, version=v, ops=ops) for (n, v), ops in used.items())


def _op_used(family: str, name: str) -> Provenance:
    op = find_op(family, name)
    return Provenance(
        kind="op", family=family, name=name, rev=op.rev, sha256=op_sha256(family, name)
    )
