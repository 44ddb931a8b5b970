"""Wording of each kind of pydantic error: message, label under the caret, help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from eqspec.spec.locate import Spot, choices_of, keys_below, keys_of, tags_of
from eqspec.spec.node import dotted
from eqspec.spec.numbers import limit_rule
from eqspec.spec.phrases import (
    alternatives,
    described,
    did_you_mean,
    listed,
    named,
    nearest,
    shown,
)

_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "string_type": "a text",
        "int_type": "a whole number",
        "int_from_float": "a whole number",
        "float_type": "a number",
        "bool_type": "`true` or `false`",
        "model_type": "a mapping",
        "dict_type": "a mapping",
        "mapping_type": "a mapping",
        "list_type": "a list",
        "tuple_type": "a list",
        "set_type": "a list",
        "frozen_set_type": "a list",
    }
)

_MOST_PATHS = 3
"""Paths that end in one key and are suggested for it; of more, such as for `use`, none is."""

_LENGTHS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "too_short": ("fewer entries", "min_length"),
        "too_long": ("more entries", "max_length"),
        "string_too_short": ("fewer characters", "min_length"),
        "string_too_long": ("more characters", "max_length"),
    }
)

_TRUTHS: Mapping[str, str] = MappingProxyType(
    {"yes": "true", "on": "true", "no": "false", "off": "false"}
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of a `ValidationError`, with its `loc` resolved.

    Attributes:
        spot: its location in the file and in the model.
        kind: pydantic's name for it.
        message: pydantic's message.
        value: the value in the file.
        context: limits, expected values, and additions by eqspec's validators (`expected`, `help`).
    """

    spot: Spot
    kind: str
    message: str
    value: Any
    context: Mapping[str, Any]

    @property
    def is_mismatch(self) -> bool:
        """Whether the value is of another type, so that another member of a union may fit."""
        return self.kind in _KINDS or "expected" in self.context

    @property
    def choices(self) -> tuple[str | int | float | bool, ...]:
        """The values that are allowed."""
        is_choice = self.kind in {"literal_error", "enum"}
        return choices_of(self.spot.declared) if is_choice else ()

    @property
    def hint(self) -> str | None:
        """Help text from eqspec's own validators."""
        return str(self.context["help"]) if self.context.get("help") else None

    @property
    def unit(self) -> str | None:
        """The unit of the field in the schema."""
        extra = self.spot.field.json_schema_extra if self.spot.field else None
        # The other possibility, a callable, leaves the checker with a dict of unknown content.
        facts = cast("dict[str, object]", extra) if isinstance(extra, dict) else {}
        return str(facts["unit"]) if "unit" in facts else None

    @property
    def expected(self) -> str:
        """The expected value, in words."""
        known = _KINDS.get(self.kind, self.message)
        return str(self.context["expected"]) if "expected" in self.context else known


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of a diagnostic, without its location."""

    code: str
    message: str
    label: str = ""
    help: str | None = None
    notes: tuple[str, ...] = ()


def worded(problem: Problem) -> Wording:
    """Return the wording of a problem with one value."""
    if problem.kind in {"union_tag_invalid", "union_tag_not_found"}:
        return _form(problem) if tags_of(problem.spot.declared) else _tag(problem)
    if problem.is_mismatch:
        return mismatch((problem,))
    if limit_rule(problem.kind, problem.context) is not None:
        return _limit(problem)
    return _length(problem) if problem.kind in _LENGTHS else _malformed(problem)


def unknown_key(problem: Problem) -> Wording:
    """Return the wording for a key that the schema does not have."""
    allowed = problem.spot.siblings
    if problem.spot.path[-1] == "use" and "impl" in allowed:
        return Wording(
            "EQ001",
            f"{named(problem.spot.path[:-1])} names a card and changes it, which it cannot",
            label="not with other keys",
            help="name the card alone, `{use: NAME}`, or write an op: `{impl: NAME, params: {…}}`",
        )
    return Wording(
        "EQ001",
        f"unknown key {named(problem.spot.path)}",
        label="not a key here",
        help=_meant(problem.spot),
        notes=(f"allowed: {listed(allowed)}" if allowed else "no key is allowed here",),
    )


def _meant(spot: Spot) -> str | None:
    """Suggest a key in place of an unknown one: beside it, or deeper, by its whole path."""
    written, above = str(spot.path[-1]), spot.path[:-1]
    deeper: dict[str, list[str]] = {}
    for key, path in keys_below(spot.inside):
        if key not in spot.siblings:
            deeper.setdefault(key, []).append(dotted((*above, path)))
    few = {key: paths for key, paths in deeper.items() if len(set(paths)) <= _MOST_PATHS}
    beside = nearest(written, spot.siblings, cutoff=0.5)
    found = [*beside, *nearest(written, few, cutoff=0.7)]
    best = nearest(written, found, cutoff=0.85, most=2) or nearest(written, found, cutoff=0.5)
    names = [name for key in sorted(best, key=found.index) for name in few.get(key, [key])]
    return f"did you mean {alternatives(dict.fromkeys(names))}?" if names else None


def missing_key(problem: Problem) -> Wording:
    """Return the wording for a missing key, or a missing entry of a list of fixed length."""
    key = problem.spot.path[-1]
    about = problem.spot.field.description if problem.spot.field else None
    return Wording(
        "EQ002",
        f"missing {'entry' if isinstance(key, int) else 'key'} {named(problem.spot.path)}",
        label=f"needs an entry {key}" if isinstance(key, int) else f"needs `{key}`",
        help=f"`{key}`: {about[0].lower()}{about[1:]}" if about else None,
    )


def mismatch(problems: tuple[Problem, ...]) -> Wording:
    """Return the wording for a value of the wrong kind; several problems are alternatives."""
    path, value = problems[0].spot.path, problems[0].value
    choices = tuple(choice for p in problems for choice in p.choices)
    kinds = tuple(dict.fromkeys(p.expected for p in problems if not p.choices))
    quoted = next((c for c in choices if not isinstance(c, str) and str(c) == value), None)
    if isinstance(value, str) and choices and quoted is None:
        return Wording(
            "EQ010",
            f"{named(path)} cannot be {shown(value)}",
            label="not known here",
            help=did_you_mean(value, choices, cutoff=0.4),
            notes=(f"allowed: {listed((*choices, *kinds))}",),
        )
    expected = " or ".join((*(shown(choice) for choice in choices), *kinds))
    return Wording(
        "EQ011",
        f"{named(path)} must be {expected}, not {described(value)}",
        label=f"expected {expected}",
        help="write it without quotes"
        if quoted is not None
        else next((h for p in problems if (h := _conversion(p))), None),
    )


def _conversion(problem: Problem) -> str | None:
    """Return how to write the value as the expected type."""
    if problem.value is None:
        return "write a value, or leave the key out"
    if isinstance(problem.value, str):
        return _instead_of_text(problem, problem.value)
    if problem.kind == "string_type" and not isinstance(problem.value, (dict, list)):
        quoted = shown(problem.value).strip("`")
        return f'put it in quotes: `"{quoted}"`'
    return problem.hint


def _instead_of_text(problem: Problem, text: str) -> str | None:
    short = next((k for k in ("use", "impl") if k in keys_of(problem.spot.declared)), None)
    if short is not None:
        return f"write `{{{short}: {shown(text).strip('`')}}}`"
    if problem.kind == "bool_type" and text in _TRUTHS:
        return f"write `{_TRUTHS[text]}`; in YAML 1.2 `{text}` is a text"
    if problem.kind in {"int_type", "float_type"} and text.replace(".", "", 1).isdecimal():
        return "write it without quotes"
    return problem.hint


def _limit(problem: Problem) -> Wording:
    rule = limit_rule(problem.kind, problem.context) or problem.message
    return Wording(
        "EQ012",
        f"{named(problem.spot.path)} {rule}, not {shown(problem.value)}",
        label=rule,
        notes=(f"unit: {problem.unit}",) if problem.unit else (),
    )


def _length(problem: Problem) -> Wording:
    relation, key = _LENGTHS[problem.kind]
    message = f"{named(problem.spot.path)} must not have {relation} than {problem.context[key]}"
    return Wording("EQ012", message, label=f"has {relation}")


def _form(problem: Problem) -> Wording:
    """Return the wording for a value that matches no member of a union."""
    return Wording(
        "EQ011",
        f"{named(problem.spot.path)} has an unknown form: {described(problem.value)}",
        label="unknown form",
        notes=(f"forms: {listed(tags_of(problem.spot.declared))}",),
    )


def _tag(problem: Problem) -> Wording:
    """Return the wording for an unknown value of the key that selects a union's member."""
    tag = problem.context["tag"]
    tags = tuple(t.strip(" '") for t in str(problem.context["expected_tags"]).split(","))
    return Wording(
        "EQ010",
        f"{named(problem.spot.path)} cannot be {shown(tag)}",
        label="not known here",
        help=did_you_mean(tag, tags, cutoff=0.4),
        notes=(f"allowed: {listed(tags)}",),
    )


def _malformed(problem: Problem) -> Wording:
    reason = problem.message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return Wording("EQ013", f"{named(problem.spot.path)}: {reason}", help=problem.hint)
