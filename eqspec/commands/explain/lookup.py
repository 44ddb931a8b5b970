"""Look up an error code, or a value of a spec or a run and its origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from eqspec.commands.explain.schema_fields import field_of, field_paths
from eqspec.commands.explain.values import (
    Study,
    ValuePage,
    card_places,
    field_page,
    value_page,
    yaml_text,
)
from eqspec.commands.planning.read_spec import Read, locate_spec, read_with_cards, with_cards
from eqspec.compile.lookup.overrides import overridable
from eqspec.compile.lookup.provenance import Kind, Origin, origins
from eqspec.compile.resolved_spec import resolved_spec
from eqspec.errors import EqspecError, FolderMismatch, UsageError
from eqspec.registry.catalog import open_catalog
from eqspec.runs.artifacts import PUT_BACK
from eqspec.runs.recorded_plan import RecordedPlan, recorded_plan
from eqspec.spec.codes.all_codes import CODES
from eqspec.spec.codes.code import Code
from eqspec.spec.dump import write_yaml
from eqspec.spec.load import read_spec_text
from eqspec.spec.node import KeyPath, dotted
from eqspec.spec.override import is_index, refuse_long_path

_LEFT_OUT = frozenset(
    {"use", "with", "params", "add", "modules", "terms", "inputs", "teachers", "views", "groups"}
)
"""Keys between a card and its parts that the path of a value may omit."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """Leaf of a resolved spec."""

    path: str
    value: str
    origin: Origin


def explain_code(name: str) -> Code:
    """Return the page of an error code.

    Raises:
        UsageError: when there is no such code.
    """
    code = CODES.get(name.upper())
    if code is None:
        message = f"there is no error code `{name}`"
        near = get_close_matches(name.upper(), CODES, n=1)
        guess = f"did you mean `{near[0]}`? " if near else ""
        raise UsageError(message, help=f"{guess}`eqspec explain` without arguments lists all codes")
    return code


def explain_field(text: str) -> ValuePage:
    """Return the page of a field of the schema, without a spec.

    Raises:
        UsageError: when the schema has no such path.
    """
    try:
        refuse_long_path(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
    path = tuple(int(part) if is_index(part) else part for part in text.split("."))
    field = field_of(path)
    if field is None:
        near = get_close_matches(text, field_paths(), n=1, cutoff=0.5)
        raise UsageError(
            f"`{text}` is not an error code, a spec or a field of the schema",
            help=f"did you mean `{near[0]}`?"
            if near
            else "for a value of a card, name the spec: `eqspec explain SPEC PATH`",
        )
    return field_page(text, field)


def explain_all(path: Path, *, overrides: Sequence[str] = ()) -> tuple[Leaf, ...]:
    """Return all leaves of the resolved spec with their origins.

    Raises:
        SpecError: with all problems of the spec.
    """
    study = _study(path, overrides)
    found = origins(study.resolved, study.data)
    return tuple(Leaf(dotted(at), yaml_text(_at(study.data, at)), o) for at, o in found.items())


def explain_run(folder: Path, text: str | None = None) -> tuple[Leaf, ...]:
    """Return the resolved values of a run with their recorded origins.

    Args:
        text: dotted path of a value or of a group of values, as in `explain_value`; None: all.

    Raises:
        FolderMismatch: when the plan of the run is damaged.
        UsageError: when there is no such value.
    """
    plan = recorded_plan(folder)
    try:
        values = [_at(plan.resolved, _path(o)) for o in plan.origins]
    except (LookupError, TypeError, ValueError) as error:
        message = f"`{folder / 'plan.json'}` is damaged: it has origins of values that are missing"
        raise FolderMismatch(message, help=PUT_BACK) from error
    each = zip(plan.origins, values, strict=True)
    known = [Leaf(o, yaml_text(value), _recorded_origin(plan, o)) for o, value in each]
    if text is None:
        return tuple(known)
    found = _below(known, text)
    if not found and text.startswith("train."):  # null leaves it to the recipe
        found = _below(known, f"method.recipe.{text.removeprefix('train.')}")
    if not found:
        near = get_close_matches(text, [leaf.path for leaf in known], n=1, cutoff=0.5)
        raise UsageError(
            f"`{folder}` has no value `{text}`",
            help=f"did you mean `{near[0]}`?" if near else "omit the path to list all values",
        )
    return found


def _below(known: Sequence[Leaf], text: str) -> tuple[Leaf, ...]:
    """Return the leaves at a path or below it; the path may omit the keys in `_LEFT_OUT`."""
    wanted = _bare(text)
    return tuple(leaf for leaf in known if _bare(leaf.path)[: len(wanted)] == wanted)


def explain_value_of_run(folder: Path, text: str, leaf: Leaf) -> ValuePage | None:
    """Return the page of one value of a run.

    Value and origin are those recorded by the run; meaning, unit, default and the paper's value are
    those of the installed version of eqspec.

    Args:
        text: dotted path of the value.
        leaf: the leaf that `explain_run` found there.

    Returns:
        The page; None when this version of eqspec cannot read the recorded spec, or knows no such
        value.

    Raises:
        FolderMismatch: when the plan of the run is damaged.
    """
    plan = recorded_plan(folder)
    path = folder / "resolved.yaml"
    try:
        reading = read_spec_text(write_yaml(plan.resolved), path=path)
        study = _studied(with_cards(reading, path=path, catalog=open_catalog()))
    except EqspecError:
        return None
    page = value_page(study, text) or value_page(study, leaf.path)
    return None if page is None else replace(page, value=leaf.value, origin=leaf.origin)


def _recorded_origin(plan: RecordedPlan, path: str) -> Origin:
    """Return the origin recorded in a plan, without a location in a file."""
    text = plan.origins[path]
    first = text.split(" ", 1)[0].rstrip(":")
    kinds: dict[str, Kind] = {
        "--set": "set",
        "card": "card",
        "default": "default",
        "computed": "computed",
    }
    return Origin(kinds.get(first, "spec"), text)


def _path(text: str) -> KeyPath:
    """Parse a path written by `dotted`."""
    parts = text.replace("[", ".[").split(".")
    return tuple(int(part[1:-1]) if part.startswith("[") else part for part in parts)


def _bare(text: str) -> tuple[str, ...]:
    parts = text.replace("[", ".").replace("]", "").split(".")
    return tuple(part for part in parts if part not in _LEFT_OUT)


def explain_value(path: Path, text: str, *, overrides: Sequence[str] = ()) -> ValuePage:
    """Return the page of a value: a field of the schema, or of a card or op that the spec names.

    Args:
        text: dotted path as in `--set`; `with` and `params` may be omitted.

    Raises:
        SpecError: with all problems of the spec.
        UsageError: when there is no such value.
    """
    study = _study(path, overrides)
    try:
        page = value_page(study, text)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if page is None:
        raise _unknown(study, text)
    return page


def is_spec(text: str) -> bool:
    """Whether an argument names a spec."""
    return text.endswith((".yaml", ".yml")) or locate_spec(Path(text)).is_file()


def _study(path: Path, overrides: Sequence[str]) -> Study:
    return _studied(read_with_cards(path, overrides=overrides))


def _studied(read: Read) -> Study:
    resolved = read.resolved(name=read.path.stem)
    return Study(resolved, read.catalog, resolved_spec(resolved))


def _unknown(study: Study, text: str) -> UsageError:
    known = list(field_paths())
    for at, card in card_places(study.resolved):
        known += [".".join((*map(str, at), "with", name)) for name in overridable(card)]
    last = _bare(text)[-1:]
    ending = [path for path in _leaves(study.data) if last and _bare(path)[-1:] == last]
    ending.sort(key=lambda path: _bare(path)[:1] != _bare(text)[:1])  # of the same section first
    near = ending[:1] or get_close_matches(text, known, n=1, cutoff=0.5)
    return UsageError(
        f"`{study.resolved.source.name}` has no value `{text}`",
        help=f"did you mean `{near[0]}`?" if near else "`eqspec explain SPEC` lists all values",
    )


def _leaves(data: object, *, at: KeyPath = ()) -> Iterator[str]:
    """Yield the dotted path of every value of a mapping that is no mapping itself."""
    if not isinstance(data, Mapping):
        yield dotted(at)
        return
    for key, value in cast("Mapping[str, object]", data).items():
        yield from _leaves(value, at=(*at, key))


def _at(data: object, path: KeyPath) -> JsonValue:
    for part in path:
        data = data[part]  # type: ignore[index] - the path was found in it
    return data  # type: ignore[return-value]
