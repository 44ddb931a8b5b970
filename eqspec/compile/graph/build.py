"""Resolved spec → typed training graph: lower, rewrite, order, prune, infer."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from eqspec.compile.graph.draft import Draft, ModuleDraft
from eqspec.compile.graph.infer import infer
from eqspec.compile.graph.input_streams import input_streams
from eqspec.compile.graph.lower import lower_method
from eqspec.compile.graph.predictor import check_predictor, with_live_predictor
from eqspec.compile.graph.prune import order, prune
from eqspec.compile.graph.rewrite import Settings, cut_application, rewrite
from eqspec.compile.lookup.resolve import Resolved
from eqspec.compile.lookup.rewrite_inputs import BETWEEN
from eqspec.compile.types.error import GraphError
from eqspec.compile.types.graph import ApplyNode, GraphPlan
from eqspec.compile.types.plan import GLOBAL
from eqspec.compile.views.stored_pairs import reads_latents
from eqspec.compile.views.view_plan import PATH_GROUP
from eqspec.ops.op import BATCH, StreamType
from eqspec.spec.model import EquivarianceSpec

PER_VARIANCE = "mean-over-variance"


@dataclass(frozen=True, slots=True)
class CompiledGraph:
    """A compiled graph, and what it requires of the views.

    Attributes:
        between: the fractions of θ at which images are reconstructed; empty when none are.
        moves: view 2 is a drawn transform of itself.
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
    spec, card = resolved.spec.equivariance, resolved.rewrite
    between = fractions(spec) if isinstance(spec, EquivarianceSpec) else ()
    given = input_streams(resolved, group_sizes, points=len(between))
    names = frozenset(given)
    side = group_sizes.get(PATH_GROUP, resolved.image)
    draft = order(lower_method(method, backbone=backbone), given=names)
    # Before pruning, so that a mistake is found in what no term reads, too.
    whole = infer(draft, given=given, image_size=side)
    if card is None or not isinstance(spec, EquivarianceSpec):
        plan = infer(prune(draft), given=given, image_size=side)
        return CompiledGraph(plan=plan, between=(), moves=False)
    assert method.embedding is not None, "a card has one, or refuses"
    cut = cut_application(draft, card, method=method)
    rewritten = rewrite(
        draft,
        card,
        method=method,
        backbone=backbone,
        settings=Settings(
            split=None if card.cut == "none" else _split(spec, whole.streams[cut.out], of=card.cut),
            images=len(between),
            values=_settings(spec, resolved),
        ),
    )
    ordered = order(rewritten, given=names)
    check_predictor(infer(ordered, given=given, image_size=side))
    plan = with_live_predictor(infer(prune(ordered), given=given, image_size=side))
    stored = reads_latents(resolved.cards.get("transform"))
    return CompiledGraph(
        plan=plan,
        between=between if BETWEEN in plan.streams else (),
        moves=resolved.transform is not None and not stored,
    )


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


def _split(spec: EquivarianceSpec, features: StreamType, *, of: str) -> tuple[int, int]:
    """(d_inv, d_equi) of the embedding, or of the encoder's tokens.

    Raises:
        GraphError: when there are no features to split, or a side would be left without one.
    """
    if features.axes[-1] != "D":
        message = f"only features can be split, but the {of} is {features}"
        raise GraphError(("embedding",), message)
    width = features.size("D")
    d_equi = spec.d_equi if spec.d_equi is not None else round((spec.split or 0.5) * width)
    if not 1 <= d_equi <= width - 1:
        raise GraphError(
            ("equivariance", "split" if spec.d_equi is None else "d_equi"),
            f"{d_equi} of {width} features would be equivariant, which leaves one part empty",
            help=f"the {of} has {width} features: choose between 1 and {width - 1}",
        )
    return (width - d_equi, d_equi)


def _settings(spec: EquivarianceSpec, resolved: Resolved) -> dict[str, JsonValue]:
    """Names allowed in a rewrite's `{setting: …}` and as its weights."""
    variance = resolved.data.facts.variance
    if spec.reduction == PER_VARIANCE and variance is None:
        message = f"the card `{resolved.cards['data'].name}` promises no pixel variance"
        raise GraphError(("equivariance", "reduction"), message, help="write `reduction: mean`")
    return {
        "lambda": spec.lambda_,
        "reduction": spec.reduction,
        "pixel_variance": variance if spec.reduction == PER_VARIANCE else None,
    }
