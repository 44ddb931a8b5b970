"""`eqspec explain`: a code, or a value of a spec or a run and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

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
from eqspec.compile.lookup.cards import overridable
from eqspec.compile.lookup.provenance import Kind, Origin, origins
from eqspec.compile.resolved_spec import resolved_spec
from eqspec.errors import EqspecError, FolderMismatch, UsageError
from eqspec.registry.catalog import open_catalog
from eqspec.runs.artifacts import PUT_BACK
from eqspec.runs.recorded_plan import RecordedPlan, recorded_plan
from eqspec.spec.codes import CODES, Code
from eqspec.spec.dump import write_yaml
from eqspec.spec.load import judge_spec
from eqspec.spec.node import KeyPath, dotted
from eqspec.spec.override import is_index, refuse_long_path

_LEFT_OUT = frozenset(
    {"use", "with", "params", "add", "modules", "terms", "inputs", "teachers", "views", "groups"}
)
"""Keys between a card and its parts, which the name of a value may leave out."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of a resolved spec."""

    path: str
    value: str
    origin: Origin


def explain_code(name: str) -> Code:
    """The page of a code.

    Raises:
        UsageError: when there is no such code.
    """
    code = CODES.get(name.upper())
    if code is None:
        message = f"there is no code `{name}`"
        near = get_close_matches(name.upper(), CODES, n=1)
        guess = f"did you mean `{near[0]}`? " if near else ""
        raise UsageError(message, help=f"{guess}`eqspec explain` without arguments lists them")
    return code


def explain_field(text: str) -> ValuePage:
    """What the schema says of a dotted path, no spec at hand.

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
            f"`{text}` is no code, no spec and no path of the schema",
            help=f"did you mean `{near[0]}`?"
            if near
            else "a path into a card needs the spec: `eqspec explain SPEC PATH`",
        )
    return field_page(text, field)


def explain_all(path: Path, *, overrides: Sequence[str] = ()) -> tuple[Leaf, ...]:
    """Every leaf of the resolved spec with its origin.

    Raises:
        SpecError: with everything that is wrong with the spec.
    """
    study = _study(path, overrides)
    found = origins(study.resolved, study.data)
    return tuple(Leaf(dotted(at), yaml_text(_at(study.data, at)), o) for at, o in found.items())


def explain_run(folder: Path, text: str | None = None) -> tuple[Leaf, ...]:
    """What a run was made from, and where each value came from then.

    Args:
        text: dotted path of a value, or of all that lies below it, as `explain_value` takes it.

    Raises:
        FolderMismatch: when the run's plan is damaged.
        UsageError: when there is no such value.
    """
    plan = recorded_plan(folder)
    try:
        values = [_at(plan.resolved, _path(o)) for o in plan.origins]
    except (LookupError, TypeError, ValueError) as error:
        message = f"`{folder / 'plan.json'}` is damaged: it tells of values that it does not hold"
        raise FolderMismatch(message, help=PUT_BACK) from error
    each = zip(plan.origins, values, strict=True)
    known = [Leaf(o, yaml_text(value), _then(plan, o)) for o, value in each]
    if text is None:
        return tuple(known)
    found = _meant(known, text)
    if not found and text.startswith("train."):  # left to the recipe, by null
        found = _meant(known, f"method.recipe.{text.removeprefix('train.')}")
    if not found:
        near = get_close_matches(text, [leaf.path for leaf in known], n=1, cutoff=0.5)
        raise UsageError(
            f"`{folder}` has no value `{text}`",
            help=f"did you mean `{near[0]}`?" if near else "without a path, every value is listed",
        )
    return found


def _meant(known: Sequence[Leaf], text: str) -> tuple[Leaf, ...]:
    """The leaves at a path or below it, whichever of its names that is."""
    wanted = _bare(text)
    return tuple(leaf for leaf in known if _bare(leaf.path)[: len(wanted)] == wanted)


def explain_value_of_run(folder: Path, text: str, leaf: Leaf) -> ValuePage | None:
    """All that is known of one value of a run: what `explain_value` says, as the run had it.

    Value and origin are those that the run has recorded; what a value means, its unit, default and
    the paper's are told by the eqspec that is asked.

    Args:
        text: dotted path of the value.
        leaf: what `explain_run` has found there.

    Returns:
        None when the recorded spec cannot be read by this version of eqspec, or has no such value
        to it.

    Raises:
        FolderMismatch: when the run's plan is damaged.
    """
    plan = recorded_plan(folder)
    path = folder / "resolved.yaml"
    try:
        reading = judge_spec(write_yaml(plan.resolved), path=path)
        study = _studied(with_cards(reading, path=path, catalog=open_catalog()))
    except EqspecError:
        return None
    page = value_page(study, text) or value_page(study, leaf.path)
    return None if page is None else replace(page, value=leaf.value, origin=leaf.origin)


def _then(plan: RecordedPlan, path: str) -> Origin:
    """What a plan says of where a value came from; where the text lies by now is not known."""
    said = plan.origins[path]
    first = said.split(" ", 1)[0].rstrip(":")
    kinds: dict[str, Kind] = {
        "--set": "set",
        "card": "card",
        "default": "default",
        "computed": "computed",
    }
    return Origin(kinds.get(first, "spec"), said)


def _path(text: str) -> KeyPath:
    """The way that `dotted` has written."""
    parts = text.replace("[", ".[").split(".")
    return tuple(int(part[1:-1]) if part.startswith("[") else part for part in parts)


def _bare(text: str) -> tuple[str, ...]:
    parts = text.replace("[", ".").replace("]", "").split(".")
    return tuple(part for part in parts if part not in _LEFT_OUT)


def explain_value(path: Path, text: str, *, overrides: Sequence[str] = ()) -> ValuePage:
    """One value of a spec: in the schema's own fields, or in a card or op that the spec names.

    Args:
        text: dotted path as `--set` takes it; `with` and `params` may be left out.

    Raises:
        SpecError: with everything that is wrong with the spec.
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
    """Whether a word of the command line means a spec."""
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
    near = get_close_matches(text, known, n=1, cutoff=0.5)
    return UsageError(
        f"`{study.resolved.source.name}` has no value `{text}`",
        help=f"did you mean `{near[0]}`?" if near else "`eqspec explain SPEC` lists every value",
    )


def _at(data: object, path: KeyPath) -> JsonValue:
    for part in path:
        data = data[part]  # type: ignore[index] - the path was found in it
    return data  # type: ignore[return-value]
