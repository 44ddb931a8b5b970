"""Resolved spec → view plan: sizes, canvases, margins, and the path's transform."""

from __future__ import annotations

from pydantic import JsonValue

from eqspec.compile.draft import GraphError
from eqspec.compile.passes.infer import checked_params
from eqspec.compile.plan import AugmentStep, CropPlan, PathPlan, SingleViewPlan, ViewPlan
from eqspec.compile.resolve import Resolved
from eqspec.nn.canvas import canvas_side
from eqspec.ops.find import find_op
from eqspec.registry.cards import GroupDecl, TransformCard, ViewDecl
from eqspec.spec.model import EquivarianceSpec

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
        GraphError: when the transform cannot make a path, or the method has no second view.
    """
    path = _path(resolved, between=between) if moves else None
    facts = resolved.data.facts
    views: list[SingleViewPlan] = []
    for group, decl in resolved.method.views.items():
        ways = resolved.augment.groups[group]
        for index in range(decl.count):
            way = ways.views[min(index, len(ways.views) - 1)]
            views.append(
                _view(way, group=group, index=index, size=_side(ways, resolved.image), path=path)
            )
    return ViewPlan(views=tuple(views), path=path, mean=facts.mean, std=facts.std)


def _side(decl: GroupDecl, image: int) -> int:
    if decl.size is not None:
        return decl.size
    return image if decl.share is None else max(1, round(image * decl.share))


def _view(
    way: ViewDecl, *, group: str, index: int, size: int, path: PathPlan | None
) -> SingleViewPlan:
    moved = path is not None and (group, index) == (path.group, path.view)
    reach = _reach(path, size) if moved and path is not None and path.border == "canvas" else 0.0
    crop = CropPlan(
        scale=way.crop.scale, ratio=way.crop.ratio, interpolation=way.crop.interpolation
    )
    return SingleViewPlan(
        group=group,
        index=index,
        size=size,
        canvas=canvas_side(size, reach=reach),
        reach=reach,
        crop=crop,
        steps=tuple(_step(s.impl, s.params, s.p) for s in way.steps),
    )


def _step(impl: str, params: dict[str, JsonValue], p: float) -> AugmentStep:
    op = find_op("transforms", impl)
    checked = checked_params(op, params, path=("groups",))
    return AugmentStep(impl=impl, params=checked.model_dump(mode="json", by_alias=True), p=p)


def _reach(path: PathPlan, size: int) -> float:
    op = find_op("transforms", path.impl)
    return float(op.reach(op.Params.model_validate(path.params), size=size))


def _path(resolved: Resolved, *, between: tuple[float, ...]) -> PathPlan:
    spec, transform = resolved.spec.equivariance, resolved.transform
    assert isinstance(spec, EquivarianceSpec), "a rewrite has both"
    assert isinstance(transform, TransformCard), "a rewrite has both"
    op = find_op("transforms", transform.impl)
    if not getattr(op, "path", False):
        raise GraphError(
            ("transform",), f"`{transform.impl}` has no path from the identity to itself"
        )
    if resolved.method.views[PATH_GROUP].count <= PATH_VIEW:
        raise GraphError(("views", PATH_GROUP), "a path needs two global views")
    params = checked_params(op, transform.params, path=("params",))
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
