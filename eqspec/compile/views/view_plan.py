"""Resolved spec → view plan: sizes, canvases, margins, and the path's transform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from eqspec.compile.lookup.ops import checked_params, op_in_use
from eqspec.compile.lookup.resolve import Resolved
from eqspec.compile.lookup.rewrite_inputs import DRAWS, PIXELS
from eqspec.compile.types.error import GraphError
from eqspec.compile.types.shared_draws import SharedPlan
from eqspec.compile.types.view_plan import AugmentStep, CropPlan, PathPlan, SingleViewPlan, ViewPlan
from eqspec.compile.views.drawn_streams import CROP
from eqspec.compile.views.stored_pairs import pair_plan
from eqspec.nn.pixels.canvas import canvas_side
from eqspec.ops.find import find_transform
from eqspec.registry.cards import TransformCard
from eqspec.registry.view_groups import AddedGroupDecl, CropDecl, GroupDecl, StepDecl
from eqspec.spec.model import EquivarianceSpec
from eqspec.spec.node import KeyPath

Channels = tuple[float, float, float]

IMAGENET_MEAN: Channels = (0.485, 0.456, 0.406)
IMAGENET_STD: Channels = (0.229, 0.224, 0.225)
"""Normalisation of pixels in [0, 1] for published models whose card states no other."""

PATH_GROUP, PATH_VIEW = "global", 1
"""Only the second global view is transformed (arXiv 2503.18753, section 3)."""

WHOLE = (1.0, 1.0)
"""Share of the area of a crop that is not drawn."""


def group_sizes(resolved: Resolved) -> dict[str, int]:
    """Return the side in pixels of each view group of the augmentation and the rewrite."""
    made = {**resolved.augment.groups, **added_groups(resolved)}
    return {name: _side(decl, resolved.image) for name, decl in made.items()}


def added_groups(resolved: Resolved) -> dict[str, AddedGroupDecl]:
    """The view groups that the rewrite adds."""
    rewrite = resolved.rewrite
    return {} if rewrite is None else rewrite.add.views


def steps_of_views(resolved: Resolved, group: str) -> tuple[tuple[str, ...], ...]:
    """Of each view of a method's group the ops of its steps.

    Raises:
        GraphError: when there is no such op.
    """
    ways, count = resolved.augment.groups[group].views, resolved.method.views[group].count
    for number, way in enumerate(ways):
        for at, step in enumerate(way.steps):
            path: KeyPath = ("groups", group, "views", number, "steps", at)
            op_in_use(find_transform, step.impl, path=path, card="augment")
    shown = (ways[min(index, len(ways) - 1)] for index in range(count))
    return tuple(tuple(step.impl for step in way.steps) for way in shown)


def plan_views(
    resolved: Resolved, *, between: tuple[float, ...], moves: bool, streams: Iterable[str] = ()
) -> ViewPlan:
    """The view plan.

    Args:
        between: fractions of θ at which images are reconstructed.
        moves: view 2 is transformed.
        streams: all that the graph reads; says which parameters and pixels are handed on.

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
            at: KeyPath = ("groups", group, "views", way, "steps")
            steps = _steps(ways.views[way].steps, at=at, card="augment")
            shared = ways.crops == "shared"
            view = _view(
                ways.views[0 if shared else way].crop,
                group=group,
                index=index,
                size=size,
                reach=_reach_of(ways, group=group, index=index, size=size, path=path),
            )
            place_of = 0 if shared and index > 0 else None
            views.append(view.model_copy(update={"steps": steps, "place_of": place_of}))
    for group, added in added_groups(resolved).items():
        views.extend(_added(group, added, image=resolved.image))
    return ViewPlan(
        views=_sharing(views, resolved),
        path=path,
        pair=pair_plan(resolved),
        draws=tuple(sorted(s for s in streams if s.split(".")[0] == DRAWS)),
        pixels=PIXELS in streams,
        mean=mean,
        std=std,
    )


def _added(group: str, decl: AddedGroupDecl, *, image: int) -> Iterator[SingleViewPlan]:
    """The views of a group that a rewrite adds: the drawn one, and its copies."""
    at: KeyPath = ("add", "views", group)
    view = _view(decl.crop, group=group, index=0, size=_side(decl, image), reach=0.0)
    steps = _steps(decl.steps, at=(*at, "steps"), card="equivariance")
    yield view.model_copy(update={"steps": steps})
    for number, further in enumerate(decl.copies):
        steps = _steps(further, at=(*at, "copies", number), card="equivariance")
        yield view.model_copy(update={"index": number + 1, "copy_of": 0, "steps": steps})


def _sharing(views: list[SingleViewPlan], resolved: Resolved) -> tuple[SingleViewPlan, ...]:
    """The views with the draws that the rewrite lets several samples share."""
    rewrite = resolved.rewrite
    found: dict[str, SharedPlan] = {}
    for group, decl in ({} if rewrite is None else rewrite.shared).items():
        at: KeyPath = ("shared", group)
        if all(view.group != group for view in views):
            groups = ", ".join(f"`{name}`" for name in dict.fromkeys(v.group for v in views))
            raise GraphError(
                at,
                f"there is no view group `{group}`",
                help=f"the view groups are: {groups}",
                card="equivariance",
            )
        for number, impl in enumerate(decl.own):
            if impl != CROP:
                path = (*at, "own", number)
                op_in_use(find_transform, impl, path=path, card="equivariance")
        found[group] = SharedPlan(samples=decl.samples, own=tuple(decl.own))
    return tuple(view.model_copy(update={"shared": found.get(view.group)}) for view in views)


def normalisation(resolved: Resolved) -> tuple[Channels, Channels]:
    """Return mean and standard deviation of pixels, of the dataset or of published weights."""
    if resolved.published is None:
        return resolved.data.facts.mean, resolved.data.facts.std
    facts = resolved.backbone.facts
    return facts.mean or IMAGENET_MEAN, facts.std or IMAGENET_STD


def untouched_views(resolved: Resolved) -> ViewPlan:
    """No views, since nothing is trained; how pixels are normalised all the same."""
    mean, std = normalisation(resolved)
    return ViewPlan(views=(), mean=mean, std=std)


def _side(decl: GroupDecl | AddedGroupDecl, image: int) -> int:
    if decl.size is not None:
        return decl.size
    return image if decl.share is None else max(1, round(image * decl.share))


def _reach_of(
    ways: GroupDecl, *, group: str, index: int, size: int, path: PathPlan | None
) -> float:
    """Return the pixels beyond each edge of a view that are cut with it."""
    margin = ways.margin * size
    if path is None or path.border != "canvas" or group != path.group:
        return margin
    # One box for all views means one margin for all.
    moved = index == path.view or ways.crops == "shared"
    return max(margin, _reach(path, size)) if moved else margin


def _view(crop: CropDecl, *, group: str, index: int, size: int, reach: float) -> SingleViewPlan:
    return SingleViewPlan(
        group=group,
        index=index,
        size=size,
        canvas=canvas_side(size, reach=reach),
        reach=reach,
        crop=CropPlan(
            scale=crop.scale or WHOLE,
            ratio=crop.ratio,
            centre=crop.centre,
            interpolation=crop.interpolation,
        ),
    )


def _steps(written: Sequence[StepDecl], *, at: KeyPath, card: str) -> tuple[AugmentStep, ...]:
    steps: list[AugmentStep] = []
    for index, step in enumerate(written):
        path = (*at, index)
        op = op_in_use(find_transform, step.impl, path=path, card=card)
        params = checked_params(op.Params, step.params, path=path, card=card)
        dumped = params.model_dump(mode="json", by_alias=True)
        steps.append(AugmentStep(impl=step.impl, params=dumped, p=step.p))
    return tuple(steps)


def _reach(path: PathPlan, size: int) -> float:
    op = find_transform(path.impl)
    return op.reach(op.Params.model_validate(path.params), size=size)


def _path(resolved: Resolved, *, between: tuple[float, ...]) -> PathPlan:
    spec, transform = resolved.spec.equivariance, resolved.transform
    assert isinstance(spec, EquivarianceSpec), "a rewrite has both"
    assert isinstance(transform, TransformCard), "a rewrite has both"
    op = find_transform(transform.impl)
    params = checked_params(op.Params, transform.params, path=(), card="transform")
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
