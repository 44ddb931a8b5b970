"""References in specs and cards: a card by `use:`, an op by `impl:`, or a card's body inline.

Names are bare. A dotted path or a slash is refused, so that a spec can never name code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    RootModel,
    Tag,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def is_bare(name: str) -> bool:
    """Return whether a text can name a card or an op."""
    return _NAME.fullmatch(name) is not None


def _bare(name: str) -> str:
    if is_bare(name):
        return name
    problem = f"`{name}` is not a bare name"
    if "." in name or "/" in name or ":" in name:
        problem += ": a spec names cards and ops, never code or files"
    context = {
        "problem": problem,
        "help": "small letters, digits, `-` and `_`, as in `vit_small_patch16`",
    }
    raise PydanticCustomError("bare_name", "{problem}", context)


if TYPE_CHECKING:
    BareName = str
else:
    BareName = Annotated[
        str,
        AfterValidator(_bare),
        WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"}),
    ]


class CardUse(BaseModel):
    """A card by name, with values that replace some of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    use: BareName = Field(description="Name of a card in the registry.")
    with_: dict[str, JsonValue] = Field(
        default_factory=dict,
        alias="with",
        description="Values that replace the card's, by dotted path: `embed.width: 512`.",
    )


class CardBody(RootModel[dict[str, JsonValue]]):
    """A card's body inline: the content of its file, including `card:`."""

    # In the JSON Schema, `card` distinguishes a body from a use; here `use_or_body` does.
    model_config = ConfigDict(frozen=True, json_schema_extra={"required": ["card"]})


class OpCall(BaseModel):
    """An op by its bare name, with its parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    impl: BareName = Field(description="Name of an op.")
    params: dict[str, JsonValue] = Field(
        default_factory=dict, description="The op's parameters; those left out keep their defaults."
    )


class RecipeCall(BaseModel):
    """An op that replaces the recipe's, or parameters that change values of the recipe's."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    impl: BareName | None = Field(
        default=None, description="Name of an op; without one, the recipe's with other `params`."
    )
    params: dict[str, JsonValue] = Field(
        default_factory=dict, description="The op's parameters; those left out keep their defaults."
    )

    def over(self, recipe: OpCall | None) -> RecipeCall | None:
        """Merge with the recipe's op where none is named; None where the recipe has none."""
        if self.impl is not None:
            return self
        if recipe is None:
            return None
        return RecipeCall(impl=recipe.impl, params={**recipe.params, **self.params})

    @property
    def call(self) -> OpCall:
        """The op and its parameters, after `over`."""
        assert self.impl is not None, "laid over its recipe"
        return OpCall(impl=self.impl, params=self.params)


def use_or_body(value: object) -> str:
    """Return `card` for an inline body, and `use` for everything else."""
    if isinstance(value, CardBody):
        return "card"
    return "card" if isinstance(value, dict) and "card" in value and "use" not in value else "use"


def _name_or_body(value: object) -> str:
    return "card" if isinstance(value, (dict, CardBody)) else "name"


Use = Annotated[
    Annotated[CardUse, Tag("use")] | Annotated[CardBody, Tag("card")],
    Discriminator(use_or_body),
]
"""`{use: name, with: {…}}`, or a card's body."""

NameOrBody = Annotated[
    Annotated[BareName, Tag("name")] | Annotated[CardBody, Tag("card")],
    Discriminator(_name_or_body),
]
"""The value of a `use:` that has other keys beside it: a card's name, or its body."""
