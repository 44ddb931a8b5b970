"""Resolved spec → typed training graph: lower, rewrite, order, prune, infer."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from eqspec.compile.draft import Draft, GraphError
from eqspec.compile.graph_plan import ApplyNode, GraphPlan
from eqspec.compile.passes.infer import infer
from eqspec.compile.passes.lower import lower_method
from eqspec.compile.passes.prune import live_streams, order, prune
from eqspec.compile.passes.rewrite import Settings, embedding_application, rewrite
from eqspec.compile.resolve import Resolved
from eqspec.ops.find import find_op
from eqspec.ops.op import BATCH, StreamType
from eqspec.spec.model import EquivarianceSpec

BETWEEN, ACTIONS = "between", "actions"
PER_VARIANCE = "mean-over-variance"


@dataclass(frozen=True, slots=True)
class CompiledGraph:
    """The graph, and what it asks of the views.

    Attributes:
        between: the fractions of θ at which images are reconstructed; empty when none are.
        moves: view 2 is a transform of itself (there is a rewrite).
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
    method, backbone = resolved.method, resolved.backbone
    given = _given(resolved, group_sizes)
    names = frozenset(given)
    draft = order(lower_method(method, backbone=backbone), given=names)
    spec = resolved.spec.equivariance
    card = resolved.equivariance
    if card is None or not isinstance(spec, EquivarianceSpec):
        plan = infer(prune(draft), given=given, image_size=resolved.image)
        return CompiledGraph(plan=plan, between=(), moves=False)
    if method.equivariance is not None:
        raise GraphError(("equivariance",), method.equivariance.refused)
    width = _embedding_width(draft, resolved, given)
    split = _split(spec, width)
    rewritten = rewrite(
        draft,
        card,
        method=method,
        backbone=backbone,
        settings=Settings(
            split=split, images=len(fractions(spec)), values=_settings(spec, resolved)
        ),
    )
    final = prune(order(rewritten, given=names))
    wanted = live_streams(final)
    plan = infer(final, given=given, image_size=resolved.image)
    return CompiledGraph(
        plan=plan, between=fractions(spec) if BETWEEN in wanted else (), moves=True
    )


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
    spec, transform = resolved.spec.equivariance, resolved.transform
    if isinstance(spec, EquivarianceSpec) and transform is not None:
        side = group_sizes["global"]
        op = find_op("transforms", transform.impl)
        given[BETWEEN] = StreamType(
            axes=("K", "B", "C", "H", "W"), sizes=(len(fractions(spec)), BATCH, 3, side, side)
        )
        given[ACTIONS] = StreamType(axes=("B", "A"), sizes=(BATCH, op.action_dim))
    return given


def _embedding_width(draft: Draft, resolved: Resolved, given: dict[str, StreamType]) -> int:
    """Features of the embedding before it is cut, from the types of the method's own graph."""
    embedding = resolved.method.embedding
    assert embedding is not None, "refused methods are turned away before"
    node: ApplyNode = embedding_application(draft, embedding)
    typed = infer(draft, given=given, image_size=resolved.image)
    return typed.streams[node.out].size("D")


def _split(spec: EquivarianceSpec, width: int) -> tuple[int, int]:
    """(d_inv, d_equi).

    Raises:
        GraphError: when a side would be left without a feature.
    """
    d_equi = spec.d_equi if spec.d_equi is not None else round((spec.split or 0.5) * width)
    if not 1 <= d_equi <= width - 1:
        raise GraphError(
            ("split",),
            f"{d_equi} of {width} features would be equivariant, which leaves a side with none",
            help=f"the embedding has {width} features: choose between 1 and {width - 1}",
        )
    return (width - d_equi, d_equi)


def _settings(spec: EquivarianceSpec, resolved: Resolved) -> dict[str, JsonValue]:
    """What a rewrite's `{setting: …}` and its weights may name."""
    return {
        "lambda": spec.lambda_,
        "reduction": spec.reduction,
        "pixel_variance": resolved.data.facts.variance if spec.reduction == PER_VARIANCE else None,
        **spec.with_,
    }
