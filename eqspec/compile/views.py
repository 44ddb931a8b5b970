"""Resolved spec → view plan: sizes, canvases, margins, and the path's transform."""

from __future__ import annotations

from eqspec.compile.ops_in_use import checked_params, op_in_use
from eqspec.compile.plan import AugmentStep, CropPlan, PathPlan, SingleViewPlan, ViewPlan
from eqspec.compile.resolve import Resolved
from eqspec.compile.stored_pairs import pair_plan
from eqspec.nn.canvas import canvas_side
from eqspec.ops.find import find_op
from eqspec.registry.cards import CropDecl, GroupDecl, TransformCard, ViewDecl
from eqspec.spec.model import EquivarianceSpec
from eqspec.spec.node import KeyPath

Channels = tuple[float, float, float]

IMAGENET_MEAN: Channels = (0.485, 0.456, 0.406)
IMAGENET_STD: Channels = (0.229, 0.224, 0.225)
"""By which the published models normalise pixels in [0, 1], unless their card says otherwise."""

PATH_GROUP, PATH_VIEW = "global", 1
"""Only the second global view is transformed (arXiv 2503.18753, section 3)."""


def group_sizes(resolved: Resolved) -> dict[str, int]:
    """Side in pixels of each group of the augmentation."""
    return {name: _side(decl, resolved.image) for name, decl in resolved.augment.groups.items()}


def plan_views(resolved: Resolved, *, between: tuple[float, ...], moves: bool) -> ViewPlan:
    """The view plan.

    Args:
        between: fractions of θ at which images are reconstructed.
        moves: view 2 is transformed.

    Raises:
        GraphError: when parameters are not legal.
    """
    path = _path(resolved, between=between) if moves else None
    mean, std = normalisation(resolved)
    views: list[SingleViewPlan] = []
    for group, decl in resolved.method.views.items():
        ways = resolved.augment.groups[group]
        size = _side(ways, resolved.image)
        for index in range(decl.count):
            way = min(index, len(ways.views) - 1)
            steps = _steps(ways.views[way], at=("groups", group, "views", way))
            view = _view(ways.views[way].crop, group=group, index=index, size=size, path=path)
            views.append(view.model_copy(update={"steps": steps}))
    return ViewPlan(
        views=tuple(views),
        path=path,
        pair=pair_plan(resolved),
        mean=mean,
        std=std,
    )


def normalisation(resolved: Resolved) -> tuple[Channels, Channels]:
    """Mean and standard deviation of pixels: the data's, or what published weights expect."""
    if resolved.published is None:
        return resolved.data.facts.mean, resolved.data.facts.std
    facts = resolved.backbone.facts
    return facts.mean or IMAGENET_MEAN, facts.std or IMAGENET_STD


def untouched_views(resolved: Resolved) -> ViewPlan:
    """No views, since nothing is trained; how pixels are normalised all the same."""
    mean, std = normalisation(resolved)
    return ViewPlan(views=(), mean=mean, std=std)


def _side(decl: GroupDecl, image: int) -> int:
    if decl.size is not None:
        return decl.size
    return image if decl.share is None else max(1, round(image * decl.share))


def _view(
    crop: CropDecl, *, group: str, index: int, size: int, path: PathPlan | None
) -> SingleViewPlan:
    moved = path is not None and (group, index) == (path.group, path.view)
    reach = _reach(path, size) if moved and path is not None and path.border == "canvas" else 0.0
    return SingleViewPlan(
        group=group,
        index=index,
        size=size,
        canvas=canvas_side(size, reach=reach),
        reach=reach,
        crop=CropPlan(scale=crop.scale, ratio=crop.ratio, interpolation=crop.interpolation),
    )


def _steps(way: ViewDecl, *, at: KeyPath) -> tuple[AugmentStep, ...]:
    steps: list[AugmentStep] = []
    for index, step in enumerate(way.steps):
        path = (*at, "steps", index)
        op = op_in_use("transforms", step.impl, path=path, card="augment")
        params = checked_params(op, step.params, path=path, card="augment")
        dumped = params.model_dump(mode="json", by_alias=True)
        steps.append(AugmentStep(impl=step.impl, params=dumped, p=step.p))
    return tuple(steps)


def _reach(path: PathPlan, size: int) -> float:
    op = find_op("transforms", path.impl)
    return float(op.reach(op.Params.model_validate(path.params), size=size))


def _path(resolved: Resolved, *, between: tuple[float, ...]) -> PathPlan:
    spec, transform = resolved.spec.equivariance, resolved.transform
    assert isinstance(spec, EquivarianceSpec), "a rewrite has both"
    assert isinstance(transform, TransformCard), "a rewrite has both"
    op = find_op("transforms", transform.impl)
    params = checked_params(op, transform.params, path=(), card="transform")
    return PathPlan(
        impl=transform.impl,
        params=params.model_dump(mode="json", by_alias=True),
        group=PATH_GROUP,
        view=PATH_VIEW,
        fractions=between,
        border=spec.border,
        action_dim=op.action_dim,
        names=op.names,
    )
