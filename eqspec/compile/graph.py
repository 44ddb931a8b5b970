"""Resolved spec → typed training graph: lower, rewrite, order, prune, infer."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from eqspec.compile.draft import Draft, GraphError, ModuleDraft
from eqspec.compile.graph_plan import ApplyNode, GraphPlan
from eqspec.compile.ops_in_use import op_in_use
from eqspec.compile.passes.infer import infer
from eqspec.compile.passes.lower import lower_method
from eqspec.compile.passes.prune import order, prune
from eqspec.compile.passes.rewrite import Settings, embedding_application, rewrite
from eqspec.compile.plan import GLOBAL
from eqspec.compile.resolve import Resolved
from eqspec.compile.stored_pairs import ACTIONS, BETWEEN, pair_plan, reads_latents
from eqspec.compile.views import PATH_GROUP, PATH_VIEW
from eqspec.ops.op import BATCH, StreamType
from eqspec.spec.model import EquivarianceSpec

PER_VARIANCE = "mean-over-variance"


@dataclass(frozen=True, slots=True)
class CompiledGraph:
    """The graph, and what it asks of the views.

    Attributes:
        between: the fractions of θ at which images are reconstructed; empty when none are.
        moves: view 2 is a transform of itself (there is a rewrite, and the data give no pair).
    """

    plan: GraphPlan
    between: tuple[float, ...]
    moves: bool


def compile_graph(resolved: Resolved, *, group_sizes: dict[str, int]) -> CompiledGraph:
    """The typed graph of a resolved spec.

    Args:
        group_sizes: side in pixels of each view group's views.

    Raises:
        GraphError: when method and rewrite do not fit together.
    """
    if resolved.spec.train is None:
        return CompiledGraph(plan=_encoder_alone(resolved), between=(), moves=False)
    method, backbone = resolved.method, resolved.backbone
    spec = resolved.spec.equivariance
    card = resolved.equivariance
    if card is not None and method.equivariance is not None:
        raise GraphError(("equivariance",), method.equivariance.refused)
    given = _given(resolved, group_sizes)
    names = frozenset(given)
    side = group_sizes.get(PATH_GROUP, resolved.image)
    draft = order(lower_method(method, backbone=backbone), given=names)
    # Before pruning, so that a mistake is found in what no term reads, too.
    whole = infer(draft, given=given, image_size=side)
    if card is None or not isinstance(spec, EquivarianceSpec):
        plan = infer(prune(draft), given=given, image_size=side)
        return CompiledGraph(plan=plan, between=(), moves=False)
    assert method.embedding is not None, "a card has one, or refuses"
    node = embedding_application(draft, method.embedding, groups=tuple(method.views))
    rewritten = rewrite(
        draft,
        card,
        method=method,
        backbone=backbone,
        settings=Settings(
            split=_split(spec, whole.streams[node.out]),
            images=len(fractions(spec)),
            values=_settings(spec, resolved),
        ),
    )
    ordered = order(rewritten, given=names)
    infer(ordered, given=given, image_size=side)
    plan = infer(prune(ordered), given=given, image_size=side)
    between = fractions(spec) if BETWEEN in plan.streams else ()
    stored = reads_latents(resolved.cards.get("transform"))
    return CompiledGraph(plan=plan, between=between, moves=not stored)


def _encoder_alone(resolved: Resolved) -> GraphPlan:
    """The graph of a spec that trains nothing: the backbone on whole images."""
    backbone, side = resolved.backbone, resolved.image
    draft = Draft(
        modules={
            "encoder": ModuleDraft(
                family="backbones", impl=backbone.impl, params=dict(backbone.params)
            )
        },
        teachers=(),
        inputs={},
        nodes=(ApplyNode(out="tokens", module="encoder", ports={"images": GLOBAL}),),
        terms={},
    )
    images = StreamType(axes=("B", "C", "H", "W"), sizes=(BATCH, 3, side, side))
    return infer(draft, given={GLOBAL: images}, image_size=side)


def fractions(spec: EquivarianceSpec) -> tuple[float, ...]:
    """k/(K+1) for k = 1 … K; ``2+final`` adds the second view itself."""
    count = 2 if spec.images == "2+final" else int(spec.images)
    between = tuple(k / (count + 1) for k in range(1, count + 1))
    return (*between, 1.0) if spec.images == "2+final" else between


def _given(resolved: Resolved, group_sizes: dict[str, int]) -> dict[str, StreamType]:
    """Types of the built-in input streams."""
    given: dict[str, StreamType] = {}
    for group, decl in resolved.method.views.items():
        if group not in group_sizes:
            raise GraphError(
                ("views", group),
                f"the augmentation `{resolved.cards['augment'].name}` has no group `{group}`",
            )
        side = group_sizes[group]
        sizes = (decl.count, BATCH, 3, side, side)
        given[group] = StreamType(axes=("V", "B", "C", "H", "W"), sizes=sizes)
    spec = resolved.spec.equivariance
    if not isinstance(spec, EquivarianceSpec):
        return given
    moved = given.get(PATH_GROUP)
    if moved is None or moved.size("V") <= PATH_VIEW:
        raise GraphError(("equivariance",), "a path lies between two global views")
    if not reads_latents(resolved.cards.get("transform")):
        sizes = (len(fractions(spec)), *moved.sizes[1:])
        given[BETWEEN] = StreamType(axes=("K", *moved.axes[1:]), sizes=sizes)
    given[ACTIONS] = StreamType(axes=("B", "A"), sizes=(BATCH, _action_dim(resolved)))
    return given


def _action_dim(resolved: Resolved) -> int:
    """Numbers that tell a network which transform there is between the views."""
    transform = resolved.transform
    assert transform is not None, "a rewrite has one"
    pair = pair_plan(resolved)
    if pair is not None and pair.relation is not None:
        return len(pair.relation.names)
    op = op_in_use("transforms", transform.impl, path=(), card="transform")
    if not getattr(op, "path", False):
        message = f"`{transform.impl}` has no path from the identity to itself"
        raise GraphError(("equivariance", "transform"), message)
    return int(op.action_dim)


def _split(spec: EquivarianceSpec, embedding: StreamType) -> tuple[int, int]:
    """(d_inv, d_equi).

    Raises:
        GraphError: when there are no features to split, or a side would be left without one.
    """
    if embedding.axes[-1] != "D":
        message = f"only features can be split, but the embedding is {embedding}"
        raise GraphError(("embedding",), message)
    width = embedding.size("D")
    d_equi = spec.d_equi if spec.d_equi is not None else round((spec.split or 0.5) * width)
    if not 1 <= d_equi <= width - 1:
        raise GraphError(
            ("equivariance", "split" if spec.d_equi is None else "d_equi"),
            f"{d_equi} of {width} features would be equivariant, which leaves a side with none",
            help=f"the embedding has {width} features: choose between 1 and {width - 1}",
        )
    return (width - d_equi, d_equi)


def _settings(spec: EquivarianceSpec, resolved: Resolved) -> dict[str, JsonValue]:
    """What a rewrite's `{setting: …}` and its weights may name."""
    variance = resolved.data.facts.variance
    if spec.reduction == PER_VARIANCE and variance is None:
        message = f"the card `{resolved.cards['data'].name}` promises no pixel variance"
        raise GraphError(("equivariance", "reduction"), message, help="write `reduction: mean`")
    return {
        "lambda": spec.lambda_,
        "reduction": spec.reduction,
        "pixel_variance": variance if spec.reduction == PER_VARIANCE else None,
    }
