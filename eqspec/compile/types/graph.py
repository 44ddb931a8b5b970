"""The training graph as plan data: modules, nodes and terms, typed and in order."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from eqspec.ops.op import StreamType
from eqspec.spec.use import OpCall


class Frozen(BaseModel):
    """Plan data: immutable, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ModulePlan(Frozen):
    """A module to build: an op with its parameters and the types of what it reads and returns.

    Attributes:
        init: name under which its parameters are initialised (a teacher's copy has its student's).
        frozen: its weights do not move: no gradient, always in eval mode.
    """

    name: str
    family: Literal["backbones", "heads", "decoders"]
    impl: str
    params: dict[str, JsonValue]
    inputs: dict[str, StreamType]
    output: StreamType
    init: str
    frozen: bool = False


class TeacherPlan(Frozen):
    """A set of exponential-moving-average copies of modules.

    Attributes:
        follows: names of the student modules that are copied.
        excludes: parameter names (``module.parameter``) that the copies do not have or follow.
        momentum: constant or schedule; the share of the old teacher that is kept.
        update: after the optimizer step, or before the forward pass (MoCo v3).
        buffers: the copies keep their own buffers, or take over the student's.
    """

    name: str
    follows: tuple[str, ...]
    excludes: tuple[str, ...] = ()
    momentum: float | OpCall
    update: Literal["after-step", "before-forward"] = "after-step"
    buffers: Literal["own", "copied"] = "own"


class InputPlan(Frozen):
    """Streams drawn on the CPU for every step by a mask op (``eqspec/ops/masks``)."""

    name: str
    impl: str
    params: dict[str, JsonValue]
    of: StreamType
    outputs: dict[str, StreamType]


class DropPathPlan(Frozen):
    """Multipliers of residual branches, `[V, B, L, 2]`, drawn per sample for one encoder pass.

    Attributes:
        rates: share of the samples that skip a block's branches, first block first.
        draw: each sample on its own, or a subset of fixed size of all views.
        group: the subset is one of so many consecutive samples; None for the global batch.
    """

    name: str
    rates: tuple[float, ...]
    type: StreamType
    draw: Literal["bernoulli", "subset"] = "bernoulli"
    group: int | None = None


class ApplyNode(Frozen):
    """Runs a module; the leading axes V and B are flattened for it.

    Attributes:
        blocks: of an encoder, so many of the first ones, and its last norm; None: all of them.
    """

    kind: Literal["apply"] = "apply"
    out: str
    module: str
    teacher: str | None = None
    ports: dict[str, str]
    blocks: int | None = None

    @model_serializer(mode="wrap")
    def _without_blocks(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit `blocks: null`, so that plans read as before it existed."""
        written: dict[str, Any] = rest(self)
        return {k: v for k, v in written.items() if (k, v) != ("blocks", None)}


class PoolNode(Frozen):
    """Averages over tokens."""

    kind: Literal["pool"] = "pool"
    out: str
    of: str


class SelectNode(Frozen):
    """Takes the class token, the registers or the patches of a token stream."""

    kind: Literal["select"] = "select"
    out: str
    of: str
    part: Literal["cls", "registers", "patches"]


class GatherNode(Frozen):
    """Takes the patch tokens with the given ids."""

    kind: Literal["gather"] = "gather"
    out: str
    of: str
    ids: str


class ViewNode(Frozen):
    """Takes one view of a stream."""

    kind: Literal["view"] = "view"
    out: str
    of: str
    index: int


class ConcatNode(Frozen):
    """Concatenates on the feature axis."""

    kind: Literal["concat"] = "concat"
    out: str
    of: tuple[str, ...]


class StackNode(Frozen):
    """Stacks the copies of a repeated stream on a new leading axis K."""

    kind: Literal["stack"] = "stack"
    out: str
    of: tuple[str, ...]


class DetachNode(Frozen):
    """Stops the gradient."""

    kind: Literal["detach"] = "detach"
    out: str
    of: str


class SliceNode(Frozen):
    """Takes features `start:stop`; added by `cut`, not available on cards."""

    kind: Literal["slice"] = "slice"
    out: str
    of: str
    start: int
    stop: int


Node = Annotated[
    ApplyNode
    | PoolNode
    | SelectNode
    | GatherNode
    | ViewNode
    | ConcatNode
    | StackNode
    | DetachNode
    | SliceNode,
    Field(discriminator="kind"),
]


class TermPlan(Frozen):
    """A term of the loss.

    Attributes:
        ports: which stream each port reads (several for a `many` port).
        inputs: the types of those streams (``x.0``, ``x.1`` … for a `many` port).
        weight: its factor in the loss; may be a schedule.
        scheduled: parameters that change with the step; the rest are in `params`.
    """

    name: str
    impl: str
    params: dict[str, JsonValue]
    ports: dict[str, str | tuple[str, ...]]
    inputs: dict[str, StreamType]
    weight: float | OpCall
    scheduled: dict[str, float | OpCall] = Field(default_factory=dict)


class PredictorPlan(Frozen):
    """Streams by which a rewrite predicts the representation of one view from that of another.

    Attributes:
        source: representation of the first view.
        action: what the predictor knows of the change.
        output: the prediction, `[B, D]`.
        target: the representation of the second view, which it is compared with.
        views: what changes the second view: the `path`, whose parameters are in the action, or
            the `augmentation` of both views.
    """

    source: str
    action: str
    output: str
    target: str
    views: Literal["path", "augmentation"]


class GraphPlan(Frozen):
    """The training graph in two parts: `encode` up to the encoders' outputs, `loss` after them.

    Attributes:
        streams: the type of every stream, built-in inputs included.
        cut: the streams that cross from encode to loss.
        split: (invariant, equivariant) widths of the embedding, where a rewrite has cut it.
        embedding: the module that makes what is cut.
        added: terms that the rewrite has added; the others are the method's own.
        predictor: where the rewrite has one.
    """

    modules: tuple[ModulePlan, ...]
    teachers: tuple[TeacherPlan, ...] = ()
    inputs: tuple[InputPlan, ...] = ()
    drop_paths: tuple[DropPathPlan, ...] = ()
    encode: tuple[Node, ...]
    loss: tuple[Node, ...]
    terms: tuple[TermPlan, ...]
    streams: dict[str, StreamType]
    cut: tuple[str, ...]
    split: tuple[int, int] | None = None
    embedding: str | None = None
    added: tuple[str, ...] = ()
    predictor: PredictorPlan | None = None

    @model_serializer(mode="wrap")
    def _without_predictor(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit `predictor: null`, so that plans read as before it existed."""
        written: dict[str, Any] = rest(self)
        return {k: v for k, v in written.items() if (k, v) != ("predictor", None)}

    def is_trained(self, node: Node) -> bool:
        """Whether a node runs a module whose weights the optimizer moves."""
        frozen = {module.name for module in self.modules if module.frozen}
        return isinstance(node, ApplyNode) and node.teacher is None and node.module not in frozen
