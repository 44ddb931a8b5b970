"""Grammar of method graphs and rewrites; docs/grammar.md explains how to write one.

A graph is a set of named streams. `flow` computes each stream from others with one of eight steps;
`terms` read streams and form the loss. The grammar is independent of particular methods.
"""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import Discriminator, Field, JsonValue, Tag, model_validator

from eqspec.registry.declared import Declared
from eqspec.registry.view_groups import AddedGroupDecl
from eqspec.spec.duration import Duration
from eqspec.spec.numbers import Momentum, NotNegative
from eqspec.spec.use import OpCall


class Repeat(Declared):
    """K copies: ``k`` in names is replaced by 1 … K; the field `k` names the setting with K."""

    k: Literal["images"]


class ModuleDecl(Declared):
    """Module: the backbone of the spec, an op, or a copy of another module's declaration.

    Attributes:
        frozen: its weights do not move: no gradient, always in eval mode.
    """

    backbone: Literal["from-spec"] | None = None
    impl: str | None = Field(None, description="a head or decoder op")
    like: str | None = Field(None, description="another module with the same op and parameters")
    params: dict[str, JsonValue] = Field(default_factory=dict)
    repeat: Repeat | None = None
    frozen: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> ModuleDecl:
        if sum(x is not None for x in (self.backbone, self.impl, self.like)) != 1:
            raise ValueError("a module has exactly one of `backbone`, `impl`, `like`")
        return self


class Apply(Declared):
    """Step that applies a module or a chain of modules; `to` maps ports to streams.

    Attributes:
        blocks: number of an encoder's first blocks to apply, followed by its last norm.
    """

    apply: str | list[str]
    to: dict[str, str]
    blocks: int | None = Field(None, ge=1)
    repeat: Repeat | None = None


class Pool(Declared):
    """Step that averages over tokens."""

    pool: Literal["mean"]
    of: str


class Select(Declared):
    """Step that selects class token, registers or patches."""

    select: Literal["cls", "registers", "patches"]
    of: str


class Gather(Declared):
    """Step that selects patch tokens by id."""

    gather: str
    of: str


class View(Declared):
    """Step that selects one view."""

    view: int = Field(ge=0)
    of: str


class Concat(Declared):
    """Step that concatenates streams on the feature axis."""

    concat: list[str] = Field(min_length=2)


class Stack(Declared):
    """Step that stacks the copies of a repeated stream."""

    stack: str


class Detach(Declared):
    """Step that stops the gradient."""

    detach: str


STEP_KEYS = ("apply", "pool", "select", "gather", "view", "concat", "stack", "detach")


def _step_key(value: object) -> str:
    """Return the key in `STEP_KEYS` that identifies the step of a mapping."""
    if isinstance(value, dict):
        return next((key for key in STEP_KEYS if key in value), "apply")
    return type(value).__name__.lower()


Step = Annotated[
    Annotated[Apply, Tag("apply")]
    | Annotated[Pool, Tag("pool")]
    | Annotated[Select, Tag("select")]
    | Annotated[Gather, Tag("gather")]
    | Annotated[View, Tag("view")]
    | Annotated[Concat, Tag("concat")]
    | Annotated[Stack, Tag("stack")]
    | Annotated[Detach, Tag("detach")],
    Discriminator(_step_key),
]


class TermDecl(Declared):
    """Term of the loss: an op, its weight, and one or several streams for each of its ports.

    Every key but `impl`, `weight` and `params` is a port.
    """

    impl: str
    weight: NotNegative | OpCall | str = Field(
        description="a number, a schedule, or a setting of the rewrite"
    )
    params: dict[str, JsonValue] = Field(default_factory=dict)
    ports: dict[str, str | list[str]]

    @model_validator(mode="before")
    @classmethod
    def _gather_ports(cls, value: object) -> object:
        if not isinstance(value, dict) or "ports" in value:
            return cast("object", value)
        written = cast("dict[str, object]", value)  # JSON objects have text keys
        own = {k: v for k, v in written.items() if k in {"impl", "weight", "params"}}
        return {**own, "ports": {k: v for k, v in written.items() if k not in own}}


class TeacherDecl(Declared):
    """Exponential-moving-average copies of modules, named ``<teacher>.<module>`` in the flow."""

    follows: list[str] = Field(min_length=1)
    excludes: list[str] = Field(
        default_factory=list, alias="except", description="parameters the copies do not have"
    )
    momentum: Momentum | OpCall = Field(description="share of the old teacher that is kept")
    update: Literal["after-step", "before-forward"] = "after-step"
    buffers: Literal["own", "copied"] = "own"


class InputDecl(Declared):
    """Streams drawn by a mask op in every step, for the tokens of one view group."""

    impl: str
    of: str = Field(description="a view group")
    params: dict[str, JsonValue] = Field(default_factory=dict)


class EmbeddingDecl(Declared):
    """Module whose output a rewrite may cut, for one view group (and one stream of it)."""

    module: str
    group: str = "global"
    of: str | None = Field(None, description="which application, where there are several")


class ViewGroupDecl(Declared):
    """Number of views in a group; the augmentation card defines their sizes and scales."""

    count: int = Field(ge=1)


class RuleDecl(Declared):
    """Settings of the optimizer for matching parameters.

    Attributes:
        layer_decay: ratio of the learning rates of successive layers of the encoder named by
            `match`; the factor is 1 at its last norm.
        freeze_by: frozen parameters get no gradient (iBOT), or a learning rate of zero while the
            optimizer's moments accumulate (DINOv2).
    """

    match: str | list[str]
    weight_decay: NotNegative | None = None
    lr_scale: float = Field(1.0, ge=0)
    layer_decay: float | None = Field(None, gt=0, le=1)
    freeze: Duration | None = None
    freeze_by: Literal["gradient", "lr"] = "gradient"


class ClipDecl(Declared):
    """Gradient clipping.

    Attributes:
        joined: groups of modules that the paper treats as one module; each is clipped together.
    """

    norm: float = Field(gt=0)
    over: Literal["parameter", "module", "all"] = "all"
    joined: list[list[str]] = Field(default_factory=list[list[str]])


class Recipe(Declared):
    """Training settings of the paper; a spec overrides them."""

    augment: str | None = None
    optimizer: OpCall | None = None
    schedule: OpCall | None = None
    rules: list[RuleDecl] = Field(default_factory=list[RuleDecl])
    clip: ClipDecl | None = None


class Needs(Declared):
    """Requirements of a rewrite, or of an alternative of it, for the method."""

    terms: list[str] = Field(default_factory=list)
    modules: list[str] = Field(default_factory=list)
    streams: list[str] = Field(default_factory=list)


class Addition(Declared):
    """Views, modules, streams and terms that a rewrite adds to the graph."""

    views: dict[str, AddedGroupDecl] = Field(default_factory=dict)
    modules: dict[str, ModuleDecl] = Field(default_factory=dict)
    flow: dict[str, Step] = Field(default_factory=dict)
    terms: dict[str, TermDecl] = Field(default_factory=dict)


class Alternative(Declared):
    """Alternative for a part of a rewrite, used if its needs are met and no earlier one's are."""

    needs: Needs = Needs()
    add: Addition = Addition()
    rewire: dict[str, str] = Field(default_factory=dict)


class Predicts(Declared):
    """Where a rewrite predicts the representation of view 2 from that of view 1 and an action.

    All four are streams of the rewritten graph that its terms depend on. Of a stream with all
    views, `from` means the first and `to` the second one.

    Attributes:
        source: written `from`: representation of the first view, in the space of the prediction.
        action: what the predictor knows of the change between the two views.
        output: the prediction.
        to: the representation that it is compared with.
    """

    source: str = Field(alias="from", description="representation of the first view")
    action: str
    output: str
    to: str


class Refusal(Declared):
    """Reason why a method cannot be rewritten."""

    refused: str
