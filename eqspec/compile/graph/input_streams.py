"""The input streams of a graph, which no card declares, and their types."""

from __future__ import annotations

from eqspec.compile.lookup.ops import op_in_use
from eqspec.compile.lookup.resolve import Resolved
from eqspec.compile.lookup.rewrite_inputs import (
    ACTIONS,
    BETWEEN,
    DRAWS,
    PARAMETERS,
    PIXELS,
    settings_unread,
    streams_read,
    transform_needed,
)
from eqspec.compile.types.error import GraphError
from eqspec.compile.views.drawn_streams import drawn_streams, drawn_widths
from eqspec.compile.views.stored_pairs import pair_plan, reads_latents
from eqspec.compile.views.view_plan import PATH_GROUP, PATH_VIEW, added_groups, steps_of_views
from eqspec.ops.find import find_dataset, find_transform
from eqspec.ops.op import BATCH, StreamType
from eqspec.ops.targets.kinds import LABELS
from eqspec.registry.cards import EquivarianceCard

ADD_TRANSFORM = "add `transform: {use: rot}`; `eqspec list transforms` shows the others"
"""Help where a rewrite needs a transform and the spec names none."""

_IMAGES = ("V", "B", "C", "H", "W")


def input_streams(
    resolved: Resolved, group_sizes: dict[str, int], *, points: int
) -> dict[str, StreamType]:
    """Types of the built-in input streams.

    Args:
        group_sizes: side in pixels of each view group's views.
        points: how many images of the path are reconstructed.

    Raises:
        GraphError: when the augmentation lacks a group or a step, or the spec a transform.
    """
    images = _images(resolved, group_sizes)
    given = {**images, **_targets(resolved, images.get(PATH_GROUP))}
    rewrite = resolved.rewrite
    if rewrite is None:
        return given
    moved = given.get(PATH_GROUP)
    if resolved.transform is not None:
        _refuse_unread(resolved, rewrite)
        given |= _path(resolved, moved, points=points)
    elif needed := transform_needed(rewrite):
        raise GraphError(
            ("equivariance",),
            f"`{resolved.cards['equivariance'].name}` reads `{needed[0]}`, so it needs a transform",
            help=ADD_TRANSFORM,
        )
    if moved is None:
        return given
    given[PIXELS] = moved
    drawn = drawn_widths(steps_of_views(resolved, PATH_GROUP))
    for name, width in drawn_streams(drawn, whole=DRAWS):
        sizes = (moved.size("V"), BATCH, width)
        given[name] = StreamType(axes=("V", "B", "D"), sizes=sizes)
    for name in sorted(streams_read(rewrite)):
        if name.startswith(f"{DRAWS}.") and name not in given:
            step = name.removeprefix(f"{DRAWS}.")
            chosen = resolved.spec.augment is not None
            raise GraphError(
                ("augment",) if chosen else ("equivariance",),
                f"the rewrite reads what the step `{step}` draws, "
                f"but `{resolved.cards['augment'].name}` has no such step in `{PATH_GROUP}`",
                help="choose another `augment`; this one draws " + ", ".join(drawn),
            )
    return given


def _targets(resolved: Resolved, images: StreamType | None) -> dict[str, StreamType]:
    """What the images of the data are labelled with; targets follow the first global view."""
    op = op_in_use(find_dataset, resolved.data.impl, path=(), card="data")
    if images is not None and op.targets:
        size = images.size("H")
        return {name: t for of in op.targets for name, t in of.streams(size=size).items()}
    if not resolved.data.facts.classes:
        return {}
    return {LABELS: StreamType(axes=("B",), sizes=(BATCH,), dtype="int")}


def _refuse_unread(resolved: Resolved, rewrite: EquivarianceCard) -> None:
    """A transform that nothing reads would move view 2 unseen."""
    stored = reads_latents(resolved.cards.get("transform"))
    unread = settings_unread(rewrite, transform="stored" if stored else "drawn")
    if "transform" in unread:
        name = resolved.cards["equivariance"].name
        raise GraphError(
            ("equivariance", "transform"),
            f"`{name}` does not read `transform`: {unread['transform']}",
            help="delete `transform`, or choose another rewrite",
        )


def _images(resolved: Resolved, group_sizes: dict[str, int]) -> dict[str, StreamType]:
    """The images of the method's view groups, and of those that the rewrite adds."""
    counts = {group: decl.count for group, decl in resolved.method.views.items()}
    for group, decl in added_groups(resolved).items():
        if group in counts:
            raise GraphError(("add", "views", group), f"the method has the views `{group}` already")
        counts[group] = decl.count
    given: dict[str, StreamType] = {}
    for group, count in counts.items():
        if group not in group_sizes:
            raise GraphError(
                ("views", group),
                f"the augmentation `{resolved.cards['augment'].name}` has no group `{group}`",
            )
        side = group_sizes[group]
        given[group] = StreamType(axes=_IMAGES, sizes=(count, BATCH, 3, side, side))
    return given


def _path(resolved: Resolved, moved: StreamType | None, *, points: int) -> dict[str, StreamType]:
    """The streams that exist only with a transform between the views."""
    if moved is None or moved.size("V") <= PATH_VIEW:
        raise GraphError(("equivariance",), "a path lies between two global views")
    given = {ACTIONS: StreamType(axes=("B", "A"), sizes=(BATCH, _action_dim(resolved)))}
    if not reads_latents(resolved.cards.get("transform")):
        sizes = (points, *moved.sizes[1:])
        given[BETWEEN] = StreamType(axes=("K", *moved.axes[1:]), sizes=sizes)
        given[PARAMETERS] = StreamType(axes=("B", "D"), sizes=(BATCH, _parameters(resolved)))
    return given


def _parameters(resolved: Resolved) -> int:
    """Number of parameters of the transform that is drawn between the views."""
    transform = resolved.transform
    assert transform is not None, "asked for where there is one"
    return len(op_in_use(find_transform, transform.impl, path=(), card="transform").names)


def _action_dim(resolved: Resolved) -> int:
    """Width of the action, the numbers that describe the transform between the views."""
    transform = resolved.transform
    assert transform is not None, "asked for where there is one"
    pair = pair_plan(resolved)
    if pair is not None and pair.relation is not None:
        return len(pair.relation.names)
    op = op_in_use(find_transform, transform.impl, path=(), card="transform")
    if not op.path:
        message = f"`{transform.impl}` has no path from the identity to itself"
        raise GraphError(("equivariance", "transform"), message)
    return op.action_dim
