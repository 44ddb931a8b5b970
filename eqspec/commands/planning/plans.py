"""Plans of a spec: the first step of every command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from eqspec.commands.planning.data_locations import (
    NO_LOCATIONS,
    DataLocations,
    count_images,
    need_own_folder,
    read_all_asked,
)
from eqspec.commands.planning.fine_tune_checks import fine_tuning_problems
from eqspec.commands.planning.initial_weights import find_initial
from eqspec.commands.planning.machine_warnings import machine_facts, warnings_on_machine
from eqspec.commands.planning.plan_files import PlanRefused, is_plan, recover
from eqspec.commands.planning.published_weights import find_published
from eqspec.commands.planning.read_spec import read_with_cards, with_cards
from eqspec.compile.lookup.resolve import Resolved
from eqspec.compile.planner import plan as make_plan
from eqspec.compile.rules.evaluation_warnings import evaluation_warnings
from eqspec.compile.rules.warnings import plan_warnings
from eqspec.compile.types.plan import Plan
from eqspec.errors import Diagnostic, EqspecError, SpecError, UsageError
from eqspec.registry.catalog import Catalog, open_catalog
from eqspec.spec.diagnose import in_order
from eqspec.spec.dump import write_yaml
from eqspec.spec.load import LoadedSpec, parse_spec, read_spec_text, read_text
from eqspec.spec.model import Spec
from eqspec.spec.names import is_file_name


@dataclass(frozen=True, slots=True)
class Planned:
    """A compiled spec.

    Attributes:
        loaded: the spec as read; for a saved plan, its resolved spec.
        text: source of the spec.
        plan: of the spec itself.
        variants: name → plan, of the variants in `compare:`, in order.
        changes: name → overrides of the variant, by dotted path.
        warnings: legal but questionable settings.
        folder: the run folder that the plan was read from, if any.
    """

    loaded: LoadedSpec
    text: str
    plan: Plan
    variants: Mapping[str, Plan]
    changes: Mapping[str, Mapping[str, JsonValue]]
    warnings: tuple[Diagnostic, ...]
    folder: Path | None = None

    @property
    def in_order(self) -> tuple[Plan, ...]:
        """Every plan in the order of running: variants first, the spec itself last."""
        return (*self.variants.values(), self.plan)


def plan_spec(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    data: DataLocations = NO_LOCATIONS,
    name: str | None = None,
    fetch: bool = False,
) -> Planned:
    """Compile a spec and its variants, or read a saved plan as it is.

    Args:
        path: of the spec (the bare name of one that ships is enough), of a plan written by `eqspec
            plan -o`, or of a run folder.
        overrides: `path=value`, as `--set` takes them.
        data: locations of datasets; read if a card states no number of images.
        name: of the spec, if its file has another.
        fetch: download published weights of timm's hub that are missing here.

    Raises:
        SpecError: the spec is wrong.
        PlanRefused: a saved plan cannot be run exactly as it is.
        UsageError: a saved plan has overrides, or `data` locates a dataset that is not read.
    """
    planned = (
        _saved(path, overrides=overrides, data=data)
        if is_plan(path)
        else _compiled(path, overrides=overrides, data=data, name=name, fetch=fetch)
    )
    read_all_asked(data, (one for p in planned.in_order for one in p.datasets))
    return planned


def _compiled(
    path: Path, *, overrides: Sequence[str], data: DataLocations, name: str | None, fetch: bool
) -> Planned:
    read = read_with_cards(path, overrides=overrides, data=data)
    loaded, catalog = read.loaded, read.catalog
    plans: dict[str, Plan] = {}
    problems, warned = list[Diagnostic](), list[Diagnostic]()
    trained = [s.spec.train for s in (loaded, *loaded.variants.values())]
    facts = machine_facts(bf16=any(t is not None and t.precision == "bf16" for t in trained))
    stem = name or read.path.stem
    if not is_file_name(stem):
        raise UsageError(f"`{stem}` cannot name a spec: its runs would be outside of their folder")
    for variant, one in {**loaded.variants, "": loaded}.items():
        called = f"{stem}-{variant}" if variant else stem
        try:
            resolved = read.resolved(variant, name=called)
            need_own_folder(resolved, data=data)
            plans[variant] = _plan(resolved, data=data, catalog=catalog, fetch=fetch)
            untrainable = fine_tuning_problems(plans[variant], one.source, locations=data)
            problems.extend(d for d in untrainable if d not in problems)
            warned += plan_warnings(resolved, plans[variant])
            warned += evaluation_warnings(plans[variant], one.source)
            warned += warnings_on_machine(plans[variant], one.source, facts=facts)
        except SpecError as error:
            problems.extend(d for d in error.diagnostics if d not in problems)
    if problems:
        raise SpecError(tuple(problems))
    return Planned(
        loaded=loaded,
        text=read_text(loaded.path),
        plan=plans.pop(""),
        variants=plans,
        changes=loaded.spec.variants,
        warnings=(*in_order((*loaded.warnings, *warned)), *catalog.replaced()),
    )


def _saved(path: Path, *, overrides: Sequence[str], data: DataLocations) -> Planned:
    if overrides:
        message = f"`{path}` is a plan, in which nothing is left to be set"
        raise UsageError(message, help="set it in the spec, and plan that")
    found = recover(path, data=data)
    if found.folder is None:
        for saved in (found.plan, *found.variants.values()):
            _need_compiled(path, saved)
    return Planned(
        loaded=parse_spec(found.resolved, path=path),
        text=found.text,
        plan=found.plan,
        variants=found.variants,
        changes=found.changes,
        warnings=(),
        folder=found.folder,
    )


def _need_compiled(path: Path, plan: Plan) -> None:
    """Refuse a saved plan that its own resolved spec does not compile to.

    Its hash protects against damage alone, since an edited plan can get an edited hash. After this
    check a plan file contains nothing that a spec could not express.

    Raises:
        PlanRefused: with the parts that differ, or the problems of the resolved spec.
    """
    advice = "plan the spec again"
    catalog = open_catalog()
    try:
        read = with_cards(
            read_spec_text(write_yaml(plan.resolved), path=path), path=path, catalog=catalog
        )
        resolved = read.resolved(name=plan.name)
        count = plan.data.count or None
        planned = make_plan(resolved, count=count, init=plan.init, published=plan.published)
    except EqspecError as error:
        message = f"the resolved spec in `{path}` is not legal: {error.message}"
        raise PlanRefused(message, help=advice) from error
    here, there = planned.model_dump(), plan.model_dump()
    differ = [key for key in there if key not in _PROVENANCE and there[key] != here[key]]
    if differ:
        message = f"`{path}` is not what the resolved spec in it compiles to: {', '.join(differ)}"
        raise PlanRefused(message, help=advice)


_PROVENANCE = frozenset({"provenance", "origins"})
"""Parts of a plan that record where it came from, which its resolved spec does not contain."""


def spec_of(plan: Plan) -> Spec:
    """Return the resolved spec in a plan."""
    return Spec.model_validate(plan.resolved)


def settings_read(plan: Plan) -> frozenset[str]:
    """Return the keys of `equivariance:` that the rewrite reads; a resolved spec has no others."""
    written = plan.resolved.get("equivariance")
    return frozenset(written) if isinstance(written, dict) else frozenset()


def _plan(resolved: Resolved, *, data: DataLocations, catalog: Catalog, fetch: bool) -> Plan:
    count = count_images(resolved, data=data)
    init = find_initial(resolved.spec, source=resolved.source)
    published = find_published(resolved, catalog, fetch=fetch)
    return make_plan(resolved, count=count, init=init, published=published)
