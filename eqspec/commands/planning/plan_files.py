"""Plan files: written by `eqspec plan -o`, read back to be run exactly as they are, or refused.

A run folder's `plan.json` is a plan as well. A plan of another commit of eqspec is accepted if the
sources of its results are the same: cards and ops by rev and body, and data by fingerprint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter

from eqspec.commands.output_files import refuse_another_kind
from eqspec.commands.planning.data_locations import DataLocations
from eqspec.compile.identity import hashed
from eqspec.compile.types.plan import PLAN_SCHEMA, Plan
from eqspec.compile.types.provenance import Provenance
from eqspec.errors import EqspecError, FolderMismatch, SpecError, UsageError
from eqspec.ops.find import UnknownOp, find_dataset, find_op, op_sha256
from eqspec.registry.cards import FAMILIES
from eqspec.registry.catalog import Catalog, UnknownCard, open_catalog
from eqspec.runs.artifacts import PUT_BACK, read_json, read_text, write_text
from eqspec.spec.dump import write_yaml

_T = TypeVar("_T")

_MARK = '"eqspec_plan"'
_AGAIN = "restore a copy of it, or plan the spec again"
_HEAD = 200  # characters that contain the mark of a saved plan


class PlanRefused(EqspecError):
    """Error for a saved plan that cannot be run as it is; the message names every difference."""

    exit_status = 3


class SavedVariant(BaseModel):
    """A variant of a saved plan: its overrides and its plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    changes: dict[str, JsonValue]
    plan: Plan


class SavedPlan(BaseModel):
    """The contents of a plan file, which also has the `sha256` of all that would be run.

    Attributes:
        spec: source of the planned spec.
        overlay: the `registry/` beside that spec, if there was one.
        sources: cards and ops as they were, those of evaluations included.
        data: fingerprint of the training data; None if it could not be read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    eqspec_plan: Literal[1] = 1
    plan_schema: int = PLAN_SCHEMA
    spec: str
    overlay: str | None
    sources: tuple[Provenance, ...]
    data: str | None
    plan: Plan
    variants: dict[str, SavedVariant]


@dataclass(frozen=True, slots=True)
class Recovered:
    """A plan that was read back and may be run.

    Attributes:
        text: source of the spec.
        resolved: the resolved spec as text, itself a runnable spec.
        changes: overrides of each variant.
        folder: the run folder that it came from, if it came from one.
    """

    text: str
    resolved: str
    plan: Plan
    variants: Mapping[str, Plan]
    changes: Mapping[str, Mapping[str, JsonValue]]
    folder: Path | None = None


def is_plan(path: Path) -> bool:
    """Return whether a path is a saved plan or a run folder, by its content."""
    if path.is_dir():
        return (path / "plan.json").is_file()
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD).decode(errors="replace")
    return head.lstrip().startswith("{") and _MARK in head


def refuse_plan_of_run(path: Path) -> None:
    """Refuse a run's `plan.json`, which is neither a spec nor a portable plan.

    Raises:
        UsageError: with the folder of the run.
    """
    if path.name == "plan.json" and path.is_file() and (path.parent / "resolved.yaml").is_file():
        message = f"`{path}` is the plan of a run, which is named by its folder"
        raise UsageError(message, help=f"write {path.parent}")


def save(path: Path, saved: SavedPlan) -> None:
    """Write a plan file with its hash, so that a number edited by hand is not run under the old id.

    Raises:
        UsageError: the path is another file than a plan, such as the spec itself.
    """
    refuse_another_kind(path, kind="plan", is_one=is_plan)
    content = saved.model_dump(mode="json", by_alias=True)
    sealed = {**content, "sha256": _seal(content)}
    write_text(path, text=json.dumps(sealed, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def recover(path: Path, *, data: DataLocations) -> Recovered:
    """Read a plan file or the plan of a run folder.

    Raises:
        PlanRefused: anything that its numbers come from has changed.
    """
    return _from_folder(path) if path.is_dir() else _from_file(path, data=data)


def fingerprint(plan: Plan, *, data: DataLocations) -> str | None:
    """Return the fingerprint of a plan's training data; None if it cannot be read."""
    op = find_dataset(plan.data.impl)
    params = op.Params.model_validate(plan.data.params)
    folder = data.of(plan.data.name, own=plan.data.name)
    try:
        return op.open(params, split="train", folder=folder).fingerprint()
    except EqspecError:
        return None


def sources(plans: Sequence[Plan], catalog: Catalog) -> tuple[Provenance, ...]:
    """Return every card that plans name and every op that they call, as they are now."""
    cards = {(m.family, m.name) for p in plans for m in p.provenance if m.kind == "card"}
    cards |= {("evaluations", e.name) for p in plans for e in p.evaluations}
    ops = {(m.family, m.name) for p in plans for m in p.provenance if m.kind == "op"}
    ops |= {("evaluations", e.impl) for p in plans for e in p.evaluations}
    found = [_card(catalog, family, name) for family, name in sorted(cards)]
    found += [_op(family, name) for family, name in sorted(ops)]
    return tuple(one for one in found if one is not None)


def _card(catalog: Catalog, family: str, name: str) -> Provenance | None:
    """Return a card of the registry; None for a body in a spec."""
    if family not in FAMILIES:  # a saved plan may name anything
        return None
    try:
        card = catalog.card(FAMILIES[family], name)
    except (UnknownCard, SpecError):
        return None
    rev, sha256 = card.model.rev, card.sha256
    return Provenance(kind="card", family=family, name=name, rev=rev, sha256=sha256)


def _op(family: str, name: str) -> Provenance | None:
    try:
        rev = find_op(family, name).rev
    except UnknownOp:
        return None
    return Provenance(kind="op", family=family, name=name, rev=rev, sha256=op_sha256(family, name))


def _seal(content: Mapping[str, JsonValue]) -> str:
    """Return the SHA-256 of all that would be run."""
    return hashed({key: content.get(key) for key in ("spec", "plan", "variants")})


def _from_file(path: Path, *, data: DataLocations) -> Recovered:
    raw = _json(path, follow=True)  # named on the command line
    seal = raw.pop("sha256", None)
    _refuse_schema(path, raw.get("plan_schema"))
    overlay = raw.get("overlay")
    catalog = open_catalog(overlay=Path(overlay) if isinstance(overlay, str) else None)
    then = _validated(path, TypeAdapter(tuple[Provenance, ...]), raw.get("sources"))
    _refuse_changes(path, _changes(then, catalog))
    saved = _validated(path, TypeAdapter(SavedPlan), raw)
    if seal != _seal(TypeAdapter(dict[str, JsonValue]).validate_python(raw)):
        raise _damaged(path)
    found = None if saved.data is None else fingerprint(saved.plan, data=data)
    if found is not None and found != saved.data:
        _refuse_changes(path, [f"data {saved.plan.data.name}: {saved.data} → {found}"])
    return Recovered(
        text=saved.spec,
        resolved=write_yaml(saved.plan.resolved),
        plan=saved.plan,
        variants={name: one.plan for name, one in saved.variants.items()},
        changes={name: one.changes for name, one in saved.variants.items()},
    )


def _from_folder(path: Path) -> Recovered:
    """Return a folder's own plan, which contains its cards; the folder guards its data."""
    from eqspec.runs.folder import Identity, RunFolder, folder_path

    RunFolder.open(path)
    raw = _json(path / "plan.json", follow=False)
    _refuse_schema(path, raw.get("plan_schema"))
    plan = _validated(path, TypeAdapter(Plan), raw)
    _refuse_changes(path, _changes([m for m in plan.provenance if m.kind == "op"], open_catalog()))
    root = path.absolute().parent.parent
    home = folder_path(root, identity=Identity.model_validate(plan.model_dump(mode="json")))
    if home != path.absolute() and not path.name.startswith(f"{home.name}."):
        message = f"`{path}` was moved: the run in it belongs in `{home}`"
        raise PlanRefused(message, help="restore its name, and that of the folder above it")
    return Recovered(
        text=read_text(path / "spec.yaml"),
        resolved=write_yaml(plan.resolved),
        plan=plan,
        variants={},
        changes={},
        folder=path,
    )


def _changes(then: Sequence[Provenance], catalog: Catalog) -> list[str]:
    """Return all differences to the plan's sources, a line each."""
    lines: list[str] = []
    for old in then:
        title = f"{old.kind} {old.family}/{old.name}"
        at = old.family, old.name
        new = _op(*at) if old.kind == "op" else _card(catalog, *at)
        if new is None:
            lines.append(f"{title}: is not there any more")
        elif new.rev != old.rev:
            lines.append(f"{title}: rev {old.rev} → {new.rev}")
        elif new.sha256 != old.sha256:
            lines.append(f"{title}: its text differs, at the same rev {old.rev}")
    return lines


def _refuse_schema(path: Path, schema: object) -> None:
    if schema is None:
        raise _damaged(path)
    if schema != PLAN_SCHEMA:
        _refuse_changes(path, [f"schema of plans: {schema} → {PLAN_SCHEMA}"])


def _refuse_changes(path: Path, lines: Sequence[str]) -> None:
    if lines:
        listed = "\n".join(f"  {line}" for line in lines)
        raise PlanRefused(
            f"`{path}` cannot be run exactly as it was planned (then → now):\n{listed}",
            help="undo the change, or plan the spec again",
        )


def _json(path: Path, *, follow: bool) -> dict[str, object]:
    try:
        raw = read_json(path, follow=follow)
    except FolderMismatch as error:
        advice = _AGAIN if follow and error.help == PUT_BACK else error.help
        raise PlanRefused(error.message, help=advice) from error
    if not isinstance(raw, dict):
        raise _damaged(path)
    return TypeAdapter(dict[str, object]).validate_python(raw)


def _validated(path: Path, kind: TypeAdapter[_T], raw: object) -> _T:
    try:
        return kind.validate_json(json.dumps(raw))
    except ValueError:  # pydantic's ValidationError is one
        raise _damaged(path) from None


def _damaged(path: Path) -> PlanRefused:
    return PlanRefused(
        f"`{path}` is damaged: its content differs from its hash",
        help=_AGAIN,
    )
