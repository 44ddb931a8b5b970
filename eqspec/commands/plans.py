"""From a spec's path to its plans: what every command begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eqspec.compile.plan import Plan
from eqspec.compile.planner import plan as make_plan
from eqspec.compile.resolve import resolve
from eqspec.errors import Diagnostic, SpecError
from eqspec.ops.find import find_op
from eqspec.registry.catalog import Catalog, open_catalog
from eqspec.registry.places import specs_root
from eqspec.spec.load import LoadedSpec, load_spec
from eqspec.spec.model import Spec


@dataclass(frozen=True, slots=True)
class Planned:
    """A spec, compiled.

    Attributes:
        loaded: as it was read.
        plan: of the spec itself.
        variants: name → plan, of what `compare:` declares, in order.
        warnings: what is legal but deserves a second look.
    """

    loaded: LoadedSpec
    plan: Plan
    variants: Mapping[str, Plan]
    warnings: tuple[Diagnostic, ...]

    @property
    def in_order(self) -> tuple[Plan, ...]:
        """Every plan in the order in which it is run: variants first, the spec itself last."""
        return (*self.variants.values(), self.plan)


def plan_spec(path: Path, *, overrides: Sequence[str] = (), data: Path | None = None) -> Planned:
    """Compiles a spec and its variants.

    Args:
        path: of the spec; the bare name of a spec that ships with eqspec will do.
        overrides: `path=value`, as `--set` takes them.
        data: folder of the dataset; read where its card promises no number of images.

    Raises:
        SpecError: with everything that is wrong.
    """
    found = locate_spec(path)
    loaded = load_spec(found, overrides=overrides)
    catalog = open_catalog(overlay=found.parent / "registry")
    problems: list[Diagnostic] = []
    plans: dict[str, Plan] = {}
    for variant, one in {**loaded.variants, "": loaded}.items():
        name = f"{found.stem}-{variant}" if variant else found.stem
        try:
            plans[variant] = _plan(one, catalog=catalog, name=name, data=data)
        except SpecError as error:
            problems.extend(d for d in error.diagnostics if d not in problems)
    if problems:
        raise SpecError(tuple(problems))
    warnings = (*loaded.warnings, *catalog.replaced())
    own = plans.pop("")
    return Planned(loaded=loaded, plan=own, variants=plans, warnings=warnings)


def spec_of(plan: Plan) -> Spec:
    """The resolved spec that a plan carries."""
    return Spec.model_validate(plan.resolved)


def locate_spec(path: Path) -> Path:
    """The path itself, or the shipped spec of that name: ``specs/x.yaml``, or just ``x``."""
    if path.exists():
        return path
    shipped = specs_root()
    relative = path.relative_to("specs") if path.parts[:1] == ("specs",) else path
    for candidate in (shipped / relative, shipped / f"{relative}.yaml"):
        if candidate.is_file():
            return candidate
    return path


def _plan(loaded: LoadedSpec, *, catalog: Catalog, name: str, data: Path | None) -> Plan:
    resolved = resolve(loaded.spec, source=loaded.source, catalog=catalog, name=name)
    count = None
    if resolved.data.facts.count is None and data is not None:
        op = find_op("datasets", resolved.data.impl)
        params = op.Params.model_validate(resolved.data.params)
        count = len(op.open(params, split="train", folder=data))
    return make_plan(resolved, count=count)
