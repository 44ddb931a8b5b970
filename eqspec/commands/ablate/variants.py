"""The variants of a spec as an axis of a grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue

from eqspec.commands.ablate.grid import CODE, VARIANT, Grid, Varied
from eqspec.commands.planning.data_locations import NO_LOCATIONS, DataLocations
from eqspec.commands.planning.read_spec import read_with_cards
from eqspec.errors import Diagnostic, SpecError
from eqspec.spec.phrases import did_you_mean, listed, shown

Changes = Mapping[str, Mapping[str, JsonValue]]


def with_variants(
    grid: Grid, path: Path, *, overrides: Sequence[str] = (), data: DataLocations = NO_LOCATIONS
) -> Grid:
    """Fill a grid's axis of variants from the spec; return a grid without this axis unchanged.

    An axis without values gets every variant in the order of the spec, then the spec itself under
    the name of its file.

    Args:
        path: of the spec.
        overrides: `path=value`, as for `--set`.
        data: locations of datasets.

    Raises:
        SpecError: if the spec is invalid, or has no such variant.
    """
    if all(one.axis is not VARIANT for one in grid.varied):
        return grid
    read = read_with_cards(path, overrides=overrides, data=data)
    known: Changes = {**read.loaded.spec.variants, read.path.stem: {}}
    problems = [
        problem
        for one in grid.varied
        if one.axis is VARIANT
        for problem in (*_unknown(one, known), *_set_twice(one, grid, known))
    ]
    if problems:
        raise SpecError(tuple(problems))
    return replace(grid, varied=tuple(_filled(one, known) for one in grid.varied))


def _filled(one: Varied, known: Changes) -> Varied:
    if one.axis is not VARIANT:
        return one
    values: tuple[JsonValue, ...] = one.values or tuple(known)
    return replace(one, values=values, changes={str(value): known[str(value)] for value in values})


def _unknown(one: Varied, known: Changes) -> Iterator[Diagnostic]:
    for value in one.values:
        if str(value) not in known:
            guess = did_you_mean(value, known, cutoff=0.5)
            help_ = guess or f"its variants are: {listed(known)}"
            message = f"the spec has no variant {shown(value)}"
            yield Diagnostic(CODE, message, one.written, help=help_)
    if len(known) == 1 and not one.values:
        message = "the spec has no variants"
        help_ = "add some under `compare:`, or vary a value"
        yield Diagnostic(CODE, message, one.written, help=help_)


def _set_twice(one: Varied, grid: Grid, known: Changes) -> Iterator[Diagnostic]:
    """Report values that both a variant and another axis would set.

    The name of a point would not say which of the two it was trained with.
    """
    chosen = [str(value) for value in one.values] or list(known)
    for other in grid.varied:
        for name in (name for name in chosen if name in known):
            if any(_overlap(other.axis.path, path) for path in known[name]):
                message = f"the variant `{name}` sets what `{other.axis.name}` varies"
                label = f"sets {listed(f'`{path}`' for path in known[name])}"
                location, also = other.written, ((one.written, label),)
                yield Diagnostic(CODE, message, location, also=also, help="vary one of them")


def _overlap(a: str, b: str) -> bool:
    """Whether one dotted path equals the other or is below it."""
    short, long = sorted((a, b), key=len)
    return long == short or long.startswith(f"{short}.")
