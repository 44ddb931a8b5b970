"""A grid over a spec: axes, their values and the seeds, parsed from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from pydantic import JsonValue

from eqspec.errors import Diagnostic, Location, SpecError
from eqspec.spec.axes import Axis, axes, find_axis
from eqspec.spec.model import identity_fields
from eqspec.spec.phrases import did_you_mean, listed, shown
from eqspec.spec.source import read_yaml

CODE = "EQ401"

MOST = 1000
"""Maximum number of points and of seeds, as a guard against typing errors."""

SEED = "seed"

VARIANT = Axis("variant", "compare")
"""The axis of the variants under `compare:`, and the spec itself; its values come from the spec."""


@dataclass(frozen=True, slots=True)
class Varied:
    """An axis of a grid.

    Attributes:
        values: empty for `VARIANT` to select all variants.
        written: location of the argument.
        changes: for `VARIANT`, once the spec is known: value → its settings by dotted path.
    """

    axis: Axis
    values: tuple[JsonValue, ...]
    written: Location
    changes: Mapping[str, Mapping[str, JsonValue]] | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of a point.

    Attributes:
        axis: name of the axis.
        text: the value as YAML.
        overrides: `path=value` for the loader.
        written: location of the argument.
    """

    axis: str
    text: str
    overrides: tuple[str, ...]
    written: Location

    @property
    def value(self) -> JsonValue:
        """The value as the loader parses it."""
        return read_yaml(self.text, name="").data

    @property
    def shown(self) -> str:
        """The value as text, without quotes."""
        return self.value if isinstance(self.value, str) else self.text

    def __str__(self) -> str:
        return f"{self.axis}={self.shown}"


@dataclass(frozen=True, slots=True)
class Point:
    """One value of every axis."""

    settings: tuple[Setting, ...]

    def __str__(self) -> str:
        return " ".join(map(str, self.settings))


@dataclass(frozen=True, slots=True)
class Grid:
    """All combinations of the axes' values, each trained with every seed.

    Attributes:
        varied: the axes.
        count: number of seeds, counted from the spec's seed unless `seeds` lists them.
        seeds: the listed seeds.
    """

    varied: tuple[Varied, ...]
    count: int = 1
    seeds: tuple[int, ...] = ()

    @property
    def points(self) -> tuple[Point, ...]:
        """All points; the last axis varies fastest."""
        along = ([_setting(one, value) for value in one.values] for one in self.varied)
        return tuple(Point(settings) for settings in product(*along))


def read_grid(arguments: Sequence[str], *, seeds: str | None = None) -> Grid:
    """Parse the grid from the command line.

    Args:
        arguments: values of `--grid`: `lambda,split` (the paper's values), or `lambda=0.1,1,5`.
        seeds: the number of seeds, counted from the spec's seed, or a list separated by commas.

    Raises:
        SpecError: with all problems of the arguments.
    """
    problems: list[Diagnostic] = []
    varied: list[Varied] = []
    for number, text in enumerate(arguments, start=1):
        location = Location(f"<cli>:--grid #{number}", 1, 1, len(text) + 1, text)
        name, equals, values = text.partition("=")
        if equals:
            varied += _with_given_values(name, values, location=location, problems=problems)
        else:
            varied += _with_paper_values(text, location=location, problems=problems)
    problems += _conflicts(varied, seeded=seeds is not None)
    if not varied and not problems:
        problems.append(_problem("the grid has no axis", None, help_=_known_axes()))
    count, which = _seeds(seeds, problems=problems)
    if problems:
        raise SpecError(tuple(problems))
    return Grid(tuple(varied), count=count, seeds=which)


def as_yaml(value: JsonValue) -> str:
    """Format a value as YAML; strings are quoted only if necessary."""
    if isinstance(value, str):
        back = read_yaml(value, name="")
        if not back.problems and back.data == value:
            return value
    return json.dumps(value, ensure_ascii=False)


def _setting(varied: Varied, value: JsonValue) -> Setting:
    axis, text = varied.axis, as_yaml(value)
    if varied.changes is not None:
        sets = varied.changes[str(value)].items()
        overrides = tuple(f"{path}={as_yaml(to)}" for path, to in sets)
        return Setting(axis.name, text, overrides, varied.written)
    others = () if axis.instead_of is None else (f"{axis.instead_of}=null",)
    return Setting(axis.name, text, (*others, f"{axis.path}={text}"), varied.written)


def _with_paper_values(
    text: str, *, location: Location, problems: list[Diagnostic]
) -> Iterator[Varied]:
    """Yield axes given by name only, each with the values that the paper studies."""
    start = 1
    for name in text.split(","):
        here = Location(location.file, 1, start, start + max(1, len(name)), text)
        start += len(name) + 1
        axis = _axis(name, location=here, problems=problems)
        if axis is not None and (axis.study or axis is VARIANT):
            yield Varied(axis, axis.study, here)
        elif axis is not None:
            message = f"the paper has no study of `{axis.name}`"
            help_ = f"give its values: `--grid {name}=…,…`"
            problems.append(_problem(message, here, label="over which values?", help_=help_))


def _with_given_values(
    name: str, values: str, *, location: Location, problems: list[Diagnostic]
) -> Iterator[Varied]:
    axis = _axis(name, location=_part(location, name), problems=problems)
    # A flow sequence of YAML, so that quotes, brackets and types are those of a spec.
    given = read_yaml(f"[{values}]", name=location.file, prefix=f"{name}=")
    problems += given.problems
    if given.problems or axis is None:
        return
    found = given.data if isinstance(given.data, list) else []
    if not found:
        problems.append(
            _problem(f"`{axis.name}` has no values", location, label="over which values?")
        )
    for value in found:
        problems += _misplaced_axis(value, location=location)
    seen: list[str] = []
    for value in found:
        if (same := _comparison_key(value)) in seen:
            message = f"`{axis.name}` has the value {shown(value)} twice"
            problems.append(_problem(message, location, help_="write every value once"))
        seen.append(same)
    yield Varied(axis, tuple(found), location)


def _axis(name: str, *, location: Location, problems: list[Diagnostic]) -> Axis | None:
    """Find an axis by name; None, with a diagnostic, if a grid cannot vary it."""
    axis = VARIANT if name == VARIANT.name else find_axis(name)
    if axis is None:
        several = "," in name and all(find_axis(part) for part in name.split(","))
        advice = "give each axis with values a `--grid` of its own" if several else None
        guess = did_you_mean(name, (VARIANT.name, *axes()), cutoff=0.5)
        help_ = advice or guess or _known_axes()
        message = f"{shown(name)} is not an axis" if name else "an axis has no name"
        problems.append(_problem(message, location, help_=help_))
        return None
    if axis is not VARIANT and identity_fields()[axis.path.partition(".")[0]] == "how":
        message = f"`{axis.path}` does not change what is trained"
        note = "every point of the grid would be the same run"
        problems.append(_problem(message, location, label=note))
        return None
    return axis


def _misplaced_axis(value: JsonValue, *, location: Location) -> Iterator[Diagnostic]:
    """Report another axis among the values of one."""
    if isinstance(value, str) and (value in axes() or find_axis(value.partition("=")[0])):
        message = f"{shown(value)} is an axis, among the values of another one"
        help_ = f"give it a `--grid` of its own: `--grid {value}`"
        yield _problem(message, location, help_=help_)


def _conflicts(varied: Sequence[Varied], *, seeded: bool) -> Iterator[Diagnostic]:
    """Report conflicts between axes."""
    paths: dict[str, Varied] = {}
    for one in varied:
        axis = one.axis
        earlier = paths.get(axis.path)
        rival = paths.get(axis.instead_of or "")
        if earlier is not None:
            yield _problem(f"`{axis.name}` is varied twice", one.written, also=earlier.written)
        elif rival is not None:
            message = f"`{axis.name}` and `{rival.axis.name}` set the same value"
            yield _problem(message, one.written, also=rival.written, help_="vary one of them")
        if axis.path == SEED and seeded:
            message = "seeds are given both as an axis and by `--seeds`"
            yield _problem(message, one.written, help_="use `--seeds` for means over seeds")
        paths.setdefault(axis.path, one)
    if (count := prod(len(one.values) for one in varied)) > MOST:
        yield _problem(f"the grid has {count:,} points, more than {MOST:,}", varied[-1].written)


def _seeds(text: str | None, *, problems: list[Diagnostic]) -> tuple[int, tuple[int, ...]]:
    """Parse `--seeds`: the number of seeds, and the seeds themselves if they are listed."""
    if text is None:
        return 1, ()
    location = Location("<cli>:--seeds", 1, 1, len(text) + 1, text)
    parts = [part.strip() for part in text.split(",")]
    digits = all(part.isascii() and part.isdecimal() and len(part) < 16 for part in parts)
    numbers = [int(part) for part in parts] if digits else []
    if not numbers or len(numbers) > MOST or (len(numbers) == 1 and not 0 < numbers[0] <= MOST):
        help_ = f"give a number of seeds (1 to {MOST:,}), as in `3`, or a list, as in `0,1,2`"
        problems.append(_problem(f"{shown(text)} are not seeds", location, help_=help_))
    elif len(set(numbers)) < len(numbers):
        problems.append(_problem("a seed is listed twice", location))
    elif len(numbers) > 1:
        return len(numbers), tuple(numbers)
    return (numbers or [1])[0], ()


def _comparison_key(value: JsonValue) -> str:
    """Return a key that is equal for values that the loader treats alike, such as 1 and 1.0."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(float(value))
    return json.dumps(value)


def _part(location: Location, text: str) -> Location:
    return Location(location.file, 1, 1, 1 + max(1, len(text)), location.excerpt)


def _known_axes() -> str:
    names = listed((VARIANT.name, *axes()))
    return f"use one of {names}, or any dotted path of a spec"


def _problem(
    message: str,
    location: Location | None,
    *,
    label: str = "",
    help_: str | None = None,
    also: Location | None = None,
) -> Diagnostic:
    twice = () if also is None else ((also, "here first"),)
    return Diagnostic(CODE, message, location, label=label, help=help_, also=twice)
