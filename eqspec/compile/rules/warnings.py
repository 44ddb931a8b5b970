"""Warnings about a plan that is legal but probably not intended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from eqspec.compile.lookup.resolve import Resolved
from eqspec.compile.types.plan import Plan
from eqspec.compile.types.view_plan import AugmentStep, PathPlan
from eqspec.compile.views.view_plan import PATH_GROUP
from eqspec.errors import Diagnostic, Location, Severity
from eqspec.ops.find import find_term, find_transform
from eqspec.spec.duration import Clock, Duration
from eqspec.spec.node import KeyPath
from eqspec.spec.phrases import counted
from eqspec.spec.use import OpCall

DIMENSIONS_PER_SAMPLE = 4
"""VICReg was trained with a covariance of 8192 dimensions from 2048 samples."""

_TRANSFORM: KeyPath = ("equivariance", "transform")


def plan_warnings(resolved: Resolved, plan: Plan) -> tuple[Diagnostic, ...]:
    """Return every warning about a plan."""
    if not plan.trains:
        return ()
    return (
        *_unseen_path(resolved, plan),
        *_poor_covariance(resolved, plan),
        *_long_warmup(resolved, plan),
        *_contradicted_pose(resolved, plan),
        *_replaced_recipe(resolved),
    )


def _unseen_path(resolved: Resolved, plan: Plan) -> Iterator[Diagnostic]:
    path = plan.views.path
    if path is None:
        return
    view = next(v for v in plan.views.views if (v.group, v.index) == (path.group, path.view))
    moved = _moved(path, size=view.size)
    location = resolved.source.value(_TRANSFORM)
    faint = sorted(name for name, strength in moved.items() if strength < 1)
    if not any(moved.values()):
        yield _unseen(
            "the path does not change the image: every range is 0",
            location,
            label="changes nothing",
        )
    elif len(faint) == len(moved):
        yield _unseen(
            f"the path is too small to be visible in images of {view.size} pixels",
            location,
            label=f"{' and '.join(faint)}: too small to see",
            help_="state the ranges for this size, with `at` or larger numbers",
        )
    hidden = tuple(
        name for name, strength in moved.items() if strength and _hides(view.steps, name)
    )
    if hidden:
        yield _unseen(
            f"view 2 never shows what {' and '.join(hidden)} would change",
            location,
            label="changes what the augmentation has removed",
            help_="apply the step to a share of the views (`p`), or choose another transform",
            also=_removing(resolved, view.steps, group=view.group, index=view.index),
        )


def _moved(path: PathPlan, *, size: int) -> dict[str, float]:
    """How far the path goes in each parameter, in units of the least that can be seen.

    A transform that does not say what can be seen (`faintest`) is seen as soon as it moves.
    """
    op = find_transform(path.impl)
    bounds = op.ranges(op.Params.model_validate(path.params), size=size)
    moved: dict[str, float] = {}
    for name, still, low_high, least in zip(
        path.names, op.identity, bounds, op.faintest, strict=True
    ):
        farthest = max(abs(bound - still) for bound in low_high)
        moved[name] = farthest / least if least else (float(farthest > 0) * 2)
    return moved


def _hides(steps: tuple[AugmentStep, ...], name: str) -> bool:
    """Whether a step that is always applied removes what a parameter of the path would change."""
    return any(step.p >= 1 and name in _hidden_by(step) for step in steps)


def _hidden_by(step: AugmentStep) -> tuple[str, ...]:
    return find_transform(step.impl).hides


def _removing(
    resolved: Resolved, steps: tuple[AugmentStep, ...], *, group: str, index: int
) -> tuple[tuple[Location, str], ...]:
    ways = resolved.augment.groups[group].views
    source, way = resolved.cards["augment"].source, min(index, len(ways) - 1)
    return tuple(
        (source.value(("groups", group, "views", way, "steps", at)), "always applied")
        for at, step in enumerate(steps)
        if step.p >= 1 and _hidden_by(step)
    )


def _unseen(
    message: str,
    location: Location,
    *,
    label: str,
    help_: str | None = None,
    also: tuple[tuple[Location, str], ...] = (),
) -> Diagnostic:
    return Diagnostic(
        "EQ502", message, location, label=label, help=help_, also=also, severity=Severity.WARNING
    )


def _poor_covariance(resolved: Resolved, plan: Plan) -> Iterator[Diagnostic]:
    batch = plan.train.batch
    for term in plan.graph.terms:
        port = find_term(term.impl).covariance_of
        stream = None if port is None else term.inputs.get(port)
        if stream is None or stream.size("D") <= DIMENSIONS_PER_SAMPLE * batch:
            continue
        width = stream.size("D")
        yield Diagnostic(
            "EQ503",
            f"`{term.name}` estimates a covariance of {width} dimensions from {batch} samples",
            resolved.source.value(("train", "batch")),
            label=f"{width / batch:.3g} dimensions per sample",
            help="use a larger batch or a narrower projector",
            notes=("VICReg's own training had 4 dimensions per sample (8192 from 2048)",),
            also=((_term(resolved, term.name), "this term"),),
            severity=Severity.WARNING,
        )


def _long_warmup(resolved: Resolved, plan: Plan) -> Iterator[Diagnostic]:
    train = plan.train
    warmup = train.lr.params.get("warmup") if isinstance(train.lr, OpCall) else None
    if not isinstance(warmup, str):
        return
    clock = Clock(total=train.steps, steps_per_epoch=train.steps_per_epoch, batch=train.batch)
    rise = clock.steps(Duration.parse(warmup))
    if rise <= clock.total:
        return
    own = resolved.train.schedule is not None
    source = resolved.source if own else resolved.cards["method"].source
    at: KeyPath = ("train" if own else "recipe", "schedule", "params", "warmup")
    yield Diagnostic(
        "EQ506",
        f"the learning rate is to rise for {counted(rise, 'step')}, but the training ends after "
        f"{clock.total:,}",
        resolved.source.value(("train", "length")),
        label=counted(clock.total, "step"),
        help="train longer, or write a `train.schedule` with a shorter warm-up",
        notes=("the learning rate never reaches its peak",),
        also=((source.value(at), counted(rise, "step")),),
        severity=Severity.WARNING,
    )


def _replaced_recipe(resolved: Resolved) -> Iterator[Diagnostic]:
    """Values of the recipe that the spec's own optimizer or schedule replaces.

    Reported are those that the spec sets below `method.with`, and those that follow a schedule.
    """
    recipe, method = resolved.method.recipe, resolved.cards["method"]
    for key, old in (("optimizer", recipe.optimizer), ("schedule", recipe.schedule)):
        node = resolved.source.get(("train", key, "impl"))
        if old is None or node is None or node.value is None:
            continue
        given = _keys(resolved, ("train", key, "params"))
        asked = _keys(resolved, ("method", "with"))
        named = [f"method.with.{name}" for name in asked if name.startswith(f"recipe.{key}.")]
        left = {n: v for n, v in old.params.items() if n not in given}
        named += [n for n, v in left.items() if isinstance(v, dict) and "impl" in v]
        if named:
            yield Diagnostic(
                "EQ512",
                f"`train.{key}` replaces the recipe of `{method.name}`, and with it "
                + ", ".join(f"`{name}`" for name in named),
                resolved.source.value(("train", key)),
                label=f"instead of the recipe's `{old.impl}`",
                help=f"to change single values, leave `impl` out: `{key}: {{params: {{…}}}}`",
                severity=Severity.WARNING,
            )


def _keys(resolved: Resolved, path: KeyPath) -> tuple[str, ...]:
    node = resolved.source.get(path)
    return tuple(node.value) if node is not None and isinstance(node.value, Mapping) else ()


def _contradicted_pose(resolved: Resolved, plan: Plan) -> Iterator[Diagnostic]:
    """Steps that turn or mirror a view whose stored pose is used as the action."""
    pair = plan.views.pair
    if pair is None or pair.relation is None:
        return
    ways, source = resolved.augment.groups[PATH_GROUP].views, resolved.cards["augment"].source
    for way, view in enumerate(ways):
        for at, step in enumerate(view.steps):
            if step.p == 0 or find_transform(step.impl).kind != "geometry":
                continue
            yield Diagnostic(
                "EQ507",
                f"`{step.impl}` changes the view, but not the pose that is stored with it",
                source.value(("groups", PATH_GROUP, "views", way, "steps", at)),
                label="not part of the action",
                help="write `augment: {use: whole}`, or another without such steps",
                also=((resolved.source.value(_TRANSFORM), "reads what is stored"),),
                severity=Severity.WARNING,
            )


def _term(resolved: Resolved, name: str) -> Location:
    """Location of a term's declaration, in the method or in the rewrite."""
    method = resolved.cards["method"].source
    rewrite = resolved.cards.get("equivariance")
    if method.get(("terms", name)) is None and rewrite is not None:
        return rewrite.source.key(("add", "terms", name))
    return method.key(("terms", name))
