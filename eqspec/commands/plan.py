"""`eqspec plan`: what would run, where, and at what cost; writes nothing but the plan file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from eqspec.build.data.crop import effective_scale
from eqspec.build.data.workers import Readers, readers
from eqspec.commands.planning.data_locations import NO_LOCATIONS, DataLocations, without_location
from eqspec.commands.planning.estimate import Disk, OnMachine, disk, on_machine, peak
from eqspec.commands.planning.fine_tunings import FineTuningCost, fine_tuning_costs
from eqspec.commands.planning.floors import floors
from eqspec.commands.planning.plan_files import SavedPlan, SavedVariant, fingerprint, save, sources
from eqspec.commands.planning.plans import Planned, plan_spec
from eqspec.commands.planning.read_spec import locate_spec
from eqspec.commands.planning.schedule import evaluates_untrained
from eqspec.commands.planning.stages import Stage, stages
from eqspec.commands.planning.traced_cost import traced
from eqspec.commands.planning.weights_fit import fit_data, fits
from eqspec.compile.types.plan import Plan
from eqspec.errors import Diagnostic
from eqspec.ops.find import find_dataset
from eqspec.registry.cards import MachineCard
from eqspec.registry.catalog import Catalog, open_catalog
from eqspec.runs.folder import Identity, RunFolder, State, folder_path

if TYPE_CHECKING:
    from eqspec.build.cost.cached import Trace
    from eqspec.build.weights.published import PublishedFit
    from eqspec.commands.planning.rehearsal import Rehearsal
    from eqspec.nn.readouts.floors import PathFloors


@dataclass(frozen=True, slots=True)
class Described:
    """Plan with all that is known before it runs.

    Attributes:
        changes: values set by the variant, by dotted path; empty for the spec itself.
        folder: existing or future folder of the run.
        state: state of that folder.
        untrained: whether the encoder is also evaluated before training.
        shown: (group, index) of a view → range of the share of the image area that it shows, if a
            margin shrinks its crops and the size of the images is known.
        stages: training and evaluations, and what a run would do for each of them.
        cost: estimated cost, if requested.
        fit: comparison with published weights, if requested and available.
        floors: of the reconstruction, if the data were given.
        rehearsal: a step of one of several processes, if requested.
    """

    plan: Plan
    changes: Mapping[str, JsonValue]
    folder: Path
    state: State
    untrained: bool
    shown: Mapping[tuple[str, int], tuple[float, float]]
    stages: tuple[Stage, ...]
    cost: Cost | None
    fit: PublishedFit | None = None
    floors: PathFloors | None = None
    rehearsal: Rehearsal | None = None

    @property
    def readers(self) -> Readers:
        """Processes that would read images on this machine."""
        return readers(self.plan)

    def as_data(self) -> dict[str, Any]:
        """Return the same as plain data."""
        return {
            "folder": str(self.folder),
            "state": self.state.value,
            "stages": [dataclasses.asdict(stage) for stage in self.stages],
            "workers": self.readers.count,
            **({"trace": None} if self.cost is None else self.cost.as_data()),
            "weights": None if self.fit is None else fit_data(self.fit),
            "floors": None if self.floors is None else self.floors.model_dump(),
            "rehearsal": None if self.rehearsal is None else dataclasses.asdict(self.rehearsal),
            "plan": self.plan.model_dump(mode="json", by_alias=True),
        }


@dataclass(frozen=True, slots=True)
class Cost:
    """Estimated cost of a plan.

    Attributes:
        trace: parameters, operations, and memory by component.
        peak: memory in bytes of a single device with the whole batch.
        disk: disk space of the run folder.
        machine: estimate for the requested machine.
        fine_tunings: cost of the trainings of evaluations.
    """

    trace: Trace
    peak: float
    disk: Disk
    machine: OnMachine | None
    fine_tunings: tuple[FineTuningCost, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return the same as plain data."""
        machine = self.machine
        return {
            "trace": dataclasses.asdict(self.trace),
            "memory_bytes": round(self.peak),
            "fine_tunings": [dataclasses.asdict(one) for one in self.fine_tunings],
            "disk": {**dataclasses.asdict(self.disk), "total": self.disk.total},
            "machine": None
            if machine is None
            else {**dataclasses.asdict(machine), "fits": machine.fits},
        }


@dataclass(frozen=True, slots=True)
class Planning:
    """Plans of a spec and of its variants in the order of `compare:`.

    Attributes:
        needed: names of datasets that a run needs and whose location is unknown.
    """

    own: Described
    variants: tuple[Described, ...]
    warnings: tuple[Diagnostic, ...]
    needed: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return the same as plain data."""
        variants = [v.as_data() for v in self.variants]
        return {**self.own.as_data(), "variants": variants, "needed": list(self.needed)}


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Arguments of `plan`.

    Attributes:
        path: path of a spec, a saved plan or a run folder.
        runs: folder that contains all runs.
        overrides: `path=value`, as in `--set`.
        data: locations of datasets.
        traced: whether to run the graphs once on meta tensors, which needs torch.
        machine: name of the machine card for which to estimate; needs `traced`.
        out: file to which to write the plan.
        cache: folder in which traces are cached; None: no cache.
        rehearsed: number of devices for which to rehearse a step; 0 for none.
    """

    path: Path
    runs: Path
    overrides: Sequence[str] = ()
    data: DataLocations = NO_LOCATIONS
    traced: bool = True
    machine: str | None = None
    out: Path | None = None
    cache: Path | None = None
    rehearsed: int = 0


def plan(request: PlanRequest) -> Planning:
    """Compile a spec and describe its plans.

    Raises:
        SpecError: with all problems, including weights that do not fit.
        UnknownCard: when there is no such machine card.
        PlanRefused: when a saved plan cannot be run exactly as it was compiled.
    """
    overlay = locate_spec(request.path).parent / "registry"
    catalog = open_catalog(overlay=overlay)
    machine = None if request.machine is None else _machine(catalog, request.machine)
    planned = plan_spec(request.path, overrides=request.overrides, data=request.data)
    fitted = fits(planned)
    described = [
        _described(plan, changes=planned.changes.get(name, {}), request=request, planned=planned)
        for name, plan in (*planned.variants.items(), ("", planned.plan))
    ]
    if request.traced:
        described = [
            dataclasses.replace(
                d,
                cost=_cost(d, request=request, machine=machine),
                fit=fitted[name].published,
                floors=floors(d.plan, locations=request.data),
            )
            for name, d in zip((*planned.variants, ""), described, strict=True)
        ]
    if request.rehearsed:
        from eqspec.commands.planning.rehearsal import rehearse  # late: it imports torch

        rehearsal = rehearse(planned.plan, devices=request.rehearsed)
        described[-1] = dataclasses.replace(described[-1], rehearsal=rehearsal)
    if request.out is not None:
        save(request.out, _to_be_saved(planned, catalog, data=request.data, overlay=overlay))
    return Planning(
        own=described[-1],
        variants=tuple(described[:-1]),
        warnings=planned.warnings,
        needed=without_location(planned.in_order, locations=request.data),
    )


def _machine(catalog: Catalog, name: str) -> MachineCard:
    return catalog.card(MachineCard, name).model


def _to_be_saved(
    planned: Planned, catalog: Catalog, *, data: DataLocations, overlay: Path
) -> SavedPlan:
    return SavedPlan(
        spec=planned.text,
        overlay=str(overlay.resolve()) if overlay.is_dir() else None,
        sources=sources(planned.in_order, catalog),
        data=fingerprint(planned.plan, data=data),
        plan=planned.plan,
        variants={
            name: SavedVariant(changes=dict(planned.changes[name]), plan=plan)
            for name, plan in planned.variants.items()
        },
    )


def _described(
    plan: Plan, *, changes: Mapping[str, JsonValue], request: PlanRequest, planned: Planned
) -> Described:
    identity = Identity.model_validate(plan.model_dump(mode="json"))
    folder = planned.folder or folder_path(request.runs, identity=identity)
    here = (folder / "plan.json").is_file()
    data = fingerprint(plan, data=request.data) if here else None
    untrained = evaluates_untrained(plan, own=planned.plan)
    return Described(
        plan=plan,
        changes=changes,
        folder=folder,
        state=RunFolder(folder).state() if here else State.NEW,
        untrained=untrained,
        shown=_shown(plan),
        stages=stages(plan, folder=folder, untrained=untrained, fingerprint=data),
        cost=None,
    )


def _cost(described: Described, *, request: PlanRequest, machine: MachineCard | None) -> Cost:
    plan, untrained = described.plan, described.untrained
    found = traced(plan, cache=request.cache)
    estimate = None
    if request.machine is not None and machine is not None:
        estimate = on_machine(plan, found, name=request.machine, card=machine)
    fine_tunings = fine_tuning_costs(
        plan,
        untrained=untrained,
        locations=request.data,
        traced=partial(traced, cache=request.cache),
    )
    trainings = sum(one.trainings * one.disk for one in fine_tunings)
    return Cost(
        trace=found,
        peak=peak(plan, found, share=plan.train.batch),
        disk=disk(plan, found, untrained=untrained, trainings=trainings),
        machine=estimate,
        fine_tunings=fine_tunings,
    )


def _shown(plan: Plan) -> dict[tuple[str, int], tuple[float, float]]:
    op = find_dataset(plan.data.impl)
    known = op.image_size(op.Params.model_validate(plan.data.params))
    if known is None:
        return {}
    width, height = known
    return {
        (v.group, v.index): effective_scale(
            v.crop, width=width, height=height, size=v.size, canvas=v.canvas
        )
        for v in plan.views.views
        if v.canvas > v.size
    }
