"""The closed grammar of method graphs and rewrites; docs/grammar.md shows how to write one.

A graph is a set of named streams. `flow` says how each stream is made from others by one of eight
steps; `terms` read streams and make the loss. Nothing here knows what a method is called.
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
    """K copies: ``k`` in names is replaced by 1 … K; `k` names the setting that counts them."""

    k: Literal["images"]


class ModuleDecl(Declared):
    """A module: the spec's backbone, an op, or a copy of another module's declaration."""

    backbone: Literal["from-spec"] | None = None
    impl: str | None = Field(None, description="a head or decoder op")
    like: str | None = Field(None, description="another module with the same op and parameters")
    params: dict[str, JsonValue] = Field(default_factory=dict)
    repeat: Repeat | None = None

    @model_validator(mode="after")
    def _one_source(self) -> ModuleDecl:
        if sum(x is not None for x in (self.backbone, self.impl, self.like)) != 1:
            raise ValueError("a module has exactly one of `backbone`, `impl`, `like`")
        return self


class Apply(Declared):
    """Runs a module or a chain of modules; `to` says which stream each port reads."""

    apply: str | list[str]
    to: dict[str, str]
    repeat: Repeat | None = None


class Pool(Declared):
    """Averages over tokens."""

    pool: Literal["mean"]
    of: str


class Select(Declared):
    """Takes a part of the tokens."""

    select: Literal["cls", "registers", "patches"]
    of: str


class Gather(Declared):
    """Takes the patch tokens with given ids."""

    gather: str
    of: str


class View(Declared):
    """Takes one view."""

    view: int = Field(ge=0)
    of: str


class Concat(Declared):
    """Concatenates on the feature axis."""

    concat: list[str] = Field(min_length=2)


class Stack(Declared):
    """Stacks the copies of a repeated stream."""

    stack: str


class Detach(Declared):
    """Stops the gradient."""

    detach: str


STEP_KEYS = ("apply", "pool", "select", "gather", "view", "concat", "stack", "detach")


def _step_key(value: object) -> str:
    """Which step a mapping is: the one of `STEP_KEYS` that it holds."""
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
    """A term of the loss: an op, its weight, and a stream (or several) for each of its ports.

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
    """Exponential-moving-average copies of modules; flows name them ``<teacher>.<module>``."""

    follows: list[str] = Field(min_length=1)
    excludes: list[str] = Field(
        default_factory=list, alias="except", description="parameters the copies do not have"
    )
    momentum: Momentum | OpCall = Field(description="share of the old teacher that is kept")
    update: Literal["after-step", "before-forward"] = "after-step"
    buffers: Literal["own", "copied"] = "own"


class InputDecl(Declared):
    """Streams drawn for every step by a mask op, for the tokens of one view group."""

    impl: str
    of: str = Field(description="a view group")
    params: dict[str, JsonValue] = Field(default_factory=dict)


class EmbeddingDecl(Declared):
    """The module whose output a rewrite may cut, for one view group (and one stream of it)."""

    module: str
    group: str = "global"
    of: str | None = Field(None, description="which application, where there are several")


class ViewGroupDecl(Declared):
    """How many views of a group a method asks for; sizes and scales stand on the augmentation."""

    count: int = Field(ge=1)


class RuleDecl(Declared):
    """What differs for the parameters that match.

    Attributes:
        layer_decay: learning rate of each layer of the encoder that `match` names, over that of the
            layer above it; 1 at its last norm.
        freeze_by: frozen parameters get no gradient (iBOT), or a learning rate of zero while the
            optimizer's moments gather (DINOv2).
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
        joined: modules of this card that are one module to the paper, clipped together.
    """

    norm: float = Field(gt=0)
    over: Literal["parameter", "module", "all"] = "all"
    joined: list[list[str]] = Field(default_factory=list[list[str]])


class Recipe(Declared):
    """The paper's numbers; a spec overrides them."""

    augment: str | None = None
    optimizer: OpCall | None = None
    schedule: OpCall | None = None
    rules: list[RuleDecl] = Field(default_factory=list[RuleDecl])
    clip: ClipDecl | None = None


class Needs(Declared):
    """What a rewrite, or an alternative of it, asks of the method it is applied to."""

    terms: list[str] = Field(default_factory=list)
    modules: list[str] = Field(default_factory=list)
    streams: list[str] = Field(default_factory=list)


class Addition(Declared):
    """What a rewrite adds to the graph, and to the views that it is fed with."""

    views: dict[str, AddedGroupDecl] = Field(default_factory=dict)
    modules: dict[str, ModuleDecl] = Field(default_factory=dict)
    flow: dict[str, Step] = Field(default_factory=dict)
    terms: dict[str, TermDecl] = Field(default_factory=dict)


class Alternative(Declared):
    """One way to carry out a part of a rewrite; taken if its needs hold and no earlier one's do."""

    needs: Needs = Needs()
    add: Addition = Addition()
    rewire: dict[str, str] = Field(default_factory=dict)


class Refusal(Declared):
    """Why a method cannot be rewritten."""

    refused: str
