"""`validate` against models of many shapes, as the cards use it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag, model_validator
from typing_extensions import TypeAliasType

from eqspec.errors import Diagnostic
from eqspec.spec.diagnose import in_order, validate
from eqspec.spec.duration import Duration
from eqspec.spec.rate import Rate
from eqspec.spec.source import read_yaml
from eqspec.spec.use import OpCall


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Square(Strict):
    kind: Literal["square"]
    side: float = Field(gt=0)


class Circle(Strict):
    kind: Literal["circle"]
    radius: float = Field(gt=0, json_schema_extra={"unit": "metres"})


class Left(Strict):
    left: int


class Right(Strict):
    right: dict[str, list[int]]


Either = TypeAliasType("Either", Left | Right)


class Everything(Strict):
    text: str = "a"
    yes: bool = True
    colour: Colour = Colour.RED
    shape: Square | Circle | None = Field(default=None, discriminator="kind")
    side: (
        Annotated[
            Annotated[Left, Tag("left")] | Annotated[Right, Tag("right")],
            Discriminator(lambda v: next(iter(v), "?") if isinstance(v, dict) else "?"),
        ]
        | None
    ) = None
    either: Either | None = None
    table: Mapping[str, int] | int = 0
    weight: float | OpCall = 1.0
    rate: Rate | OpCall = Rate(0.0)
    warmup: Duration | Literal["none"] = "none"
    pair: tuple[int, float] = (1, 1.0)
    some: list[int] = Field(default_factory=list, min_length=1, max_length=2)
    by_name: dict[str, Left] = Field(default_factory=dict)
    short: str = Field(default="ab", min_length=2, max_length=3, pattern="^[ab]+$")
    from_: int = Field(default=4, alias="from", multiple_of=4, le=8, description="Where it starts.")
    free: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _rule(self) -> Everything:
        if self.text == "bad":
            raise ValueError("a bad text")
        return self


class Named(RootModel[dict[Annotated[str, Field(pattern="^[a-z]+$")], Left]]):
    pass


def found(text: str, *, model: type[BaseModel] = Everything) -> list[tuple[str, str, str]]:
    """Code, text over the carets, and message of each diagnostic."""
    return [(d.code, over_carets(d), d.message) for d in diagnostics(text, model=model)]


def diagnostics(text: str, *, model: type[BaseModel] = Everything) -> tuple[Diagnostic, ...]:
    validated = validate(model, read_yaml(text, name="a.yaml"))
    assert (validated.value is None) == bool(validated.diagnostics)
    return validated.diagnostics


def over_carets(diagnostic: Diagnostic) -> str:
    location = diagnostic.location
    assert location is not None
    return location.excerpt[location.column - 1 : location.end_column - 1]


def test_what_is_right_becomes_the_model():
    text = "{pair: [1, 2], colour: blue, rate: 1e-3 per 8, warmup: 2 epochs, free: {a: [1, null]}}"
    built = validate(Everything, read_yaml(text, name="a.yaml")).value
    assert built is not None
    assert (built.pair, built.colour, built.rate.at(16)) == ((1, 2.0), Colour.BLUE, 2e-3)
    assert built.warmup == Duration(2, "epochs")
    assert built.free == {"a": [1, None]}


@pytest.mark.parametrize(
    ("text", "code", "carets", "message"),
    [
        ("txt: a", "EQ001", "txt", "unknown key `txt`"),
        ("text: 1", "EQ011", "1", "`text` must be a text, not the number `1`"),
        ("text:", "EQ011", "text", "`text` must be a text, not nothing"),
        ("yes: 'on'", "EQ011", "'on'", "`yes` must be `true` or `false`, not the text `on`"),
        ("colour: reb", "EQ010", "reb", "`colour` cannot be `reb`"),
        ("shape: {kind: cube}", "EQ010", "cube", "`shape.kind` cannot be `cube`"),
        ("shape: {side: 1}", "EQ002", "shape", "missing key `shape.kind`"),
        (
            "shape: {kind: square, side: 0}",
            "EQ012",
            "0",
            "`shape.side` must be greater than 0, not `0`",
        ),
        ("shape: {kind: square, syde: 1, side: 1}", "EQ001", "syde", "unknown key `shape.syde`"),
        ("shape: {kind: square}", "EQ002", "shape", "missing key `shape.side`"),
        ("side: {left: a}", "EQ011", "a", "`side.left` must be a whole number, not the text `a`"),
        (
            "side: {right: {left: [a]}}",
            "EQ011",
            "a",
            "`side.right.left[0]` must be a whole number, not the text `a`",
        ),
        ("side: {up: 1}", "EQ011", "{up: 1}", "`side` has an unknown form: a mapping"),
        (
            "either: {right: {a: [true]}}",
            "EQ011",
            "true",
            "`either.right.a[0]` must be a whole number, not `true`",
        ),
        ("either: 3", "EQ011", "3", "`either` must be a mapping, not the number `3`"),
        ("table: {a: [b]}", "EQ011", "[b]", "`table.a` must be a whole number, not a list"),
        ("weight: {imp: a}", "EQ002", "weight", "missing key `weight.impl`"),
        (
            "weight: {impl: a.b}",
            "EQ013",
            "a.b",
            (
                "`weight.impl`: `a.b` is not a bare name: "
                "a spec names cards and ops, never code or files"
            ),
        ),
        (
            "weight: abc",
            "EQ011",
            "abc",
            "`weight` must be a number or a mapping, not the text `abc`",
        ),
        (
            "rate: 1 per",
            "EQ013",
            "1 per",
            "`rate`: `1 per` is not a rate: write `1.0e-4 per 256` or `4.0e-3 per sqrt 1024`",
        ),
        (
            "warmup: nome",
            "EQ013",
            "nome",
            "`warmup`: `nome` is not a duration: write `10 epochs`, `20 steps` or `65536 samples`",
        ),
        (
            "warmup: 3",
            "EQ011",
            "3",
            "`warmup` must be `none` or a duration such as `10 epochs`, not the number `3`",
        ),
        ("pair: [1]", "EQ002", "pair", "missing entry `pair[1]`"),
        ("pair: [1, 2, 3]", "EQ012", "[1, 2, 3]", "`pair` must not have more entries than 2"),
        ("pair: {a: 1}", "EQ011", "{a: 1}", "`pair` must be a list, not a mapping"),
        ("some: []", "EQ012", "[]", "`some` must not have fewer entries than 1"),
        (
            "by_name: {x: {left: 1.0}}",
            "EQ011",
            "1.0",
            "`by_name.x.left` must be a whole number, not the number `1.0`",
        ),
        ("short: a", "EQ012", "a", "`short` must not have fewer characters than 2"),
        ("from: 12", "EQ012", "12", "`from` must be at most 8, not `12`"),
        ("from: 5", "EQ012", "5", "`from` must be a multiple of 4, not `5`"),
        ("from_: 4", "EQ001", "from_", "unknown key `from_`"),
        ("text: bad", "EQ013", "text: bad", "the whole text: a bad text"),
        ("[1]", "EQ011", "[1]", "the whole text must be a mapping, not a list"),
    ],
)
def test_one_problem_is_one_diagnostic(text: str, code: str, carets: str, message: str):
    assert (code, carets, message) in found(text)
    also_unknown = text == "weight: {imp: a}"
    assert len(found(text)) == 1 + also_unknown


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("txt: a", "did you mean `text`?"),
        ("zzzzzz: a", None),
        ("colour: bleu", "did you mean `blue`?"),
        ("shape: {kind: sqare}", "did you mean `square`?"),
        ("text: 1", 'put it in quotes: `"1"`'),
        ("text: true", 'put it in quotes: `"true"`'),
        ("text:", "write a value, or leave the key out"),
        ("yes: on", "write `true`; in YAML 1.2 `on` is a text"),
        ("weight: cosine", "write `{impl: cosine}`"),
        ("from: '8'", "write it without quotes"),
        ("warmup: 3", "add a unit: `3 steps`, `3 epochs` or `3 samples`"),
        ("weight: [1]", None),
    ],
)
def test_what_to_do(text: str, advice: str | None):
    (diagnostic,) = diagnostics(text)
    assert diagnostic.help == advice


def test_what_would_have_been_legal_is_listed():
    notes = [d.notes for t in ("colour: x", "shape: {kind: x}", "side: 1") for d in diagnostics(t)]
    assert notes == [("allowed: red, blue",), ("allowed: square, circle",), ("forms: left, right",)]
    (unknown,) = diagnostics("shape: {kind: circle, radius: 1, x: 1}")
    assert unknown.notes == ("allowed: kind, radius",)
    (range_,) = diagnostics("shape: {kind: circle, radius: -1}")
    assert range_.notes == ("unit: metres",)


def test_a_missing_key_brings_its_description():
    class Needy(Strict):
        end: int = Field(description="Where it ends.")

    (missing,) = diagnostics("{}", model=Needy)
    assert (missing.label, missing.help) == ("needs `end`", "`end`: where it ends.")


def test_a_wrong_key_of_a_mapping_is_shown_at_the_key():
    assert found("{A1: {left: 1}, b: {left: x}}", model=Named) == [
        ("EQ013", "A1", "`A1`: String should match pattern '^[a-z]+$'"),
        ("EQ011", "x", "`b.left` must be a whole number, not the text `x`"),
    ]


def test_a_part_of_a_source_is_validated_with_places_of_the_whole():
    source = read_yaml("a: 1\nb:\n  - {left: 1}\n  - {lift: 1, left: 2}\n", name="a.yaml")
    assert validate(Left, source, root=("b", 0)).value == Left(left=1)
    (problem,) = validate(Left, source, root=("b", 1)).diagnostics
    assert str(problem.location) == "a.yaml:4:6"


def test_problems_stand_in_the_order_of_the_text():
    lines = [d.location.line for d in diagnostics("zz: 1\ntext: 1\nyes: 2\nxx: 3\n") if d.location]
    assert lines == [1, 2, 3, 4]


def test_what_has_no_place_comes_first_and_nothing_comes_twice():
    placed = diagnostics("zz: 1\n")
    nowhere = Diagnostic("EQ009", "no file")
    assert in_order([*placed, nowhere, *placed]) == (nowhere, *placed)


def test_of_what_cannot_be_read_nothing_is_said():
    source = read_yaml("[", name="a.yaml")
    assert validate(Left, source).value is None
    assert validate(Left, source).diagnostics == ()
    assert [p.code for p in source.problems] == ["EQ004"]
