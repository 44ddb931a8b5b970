"""The comparands of `eqspec diff`: a run, or a spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from eqspec.commands.diff.source_locations import SpecSources
from eqspec.commands.planning.data_locations import NO_LOCATIONS, DataLocations
from eqspec.commands.planning.plan_files import fingerprint
from eqspec.commands.planning.plans import plan_spec
from eqspec.commands.planning.read_spec import locate_spec
from eqspec.errors import FolderMismatch, UsageError
from eqspec.nn.readouts.measurement import ResultSet
from eqspec.runs import journal
from eqspec.runs.artifacts import read_text
from eqspec.runs.curves import TRAIN
from eqspec.runs.folder import RunFolder, State
from eqspec.runs.journal import Row
from eqspec.runs.query import find, run_name
from eqspec.runs.recorded_plan import RecordedPlan, recorded_environment, recorded_plan
from eqspec.runs.results import result_sets
from eqspec.spec.dump import write_yaml
from eqspec.spec.source import read_yaml

_SHOWN = ("spec.yaml", "resolved.yaml", "plan.json", "environment.json", "metrics.jsonl")
"""Files that are compared with the seal; results are compared as they are read."""


@dataclass(frozen=True, slots=True)
class Comparand:
    """A run or a spec that is compared.

    Attributes:
        name: of the run, or path of the spec.
        folder: None for a spec.
        last: the last row of training; None before the first step.
        data: fingerprint of the training data; None where they were not read.
    """

    name: str
    folder: Path | None
    state: State | None
    plan: RecordedPlan
    sources: SpecSources
    environment: Mapping[str, JsonValue]
    results: tuple[ResultSet, ...]
    last: Row | None
    data: JsonValue

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return self.last.step if self.last else 0


def comparand(
    reference: str,
    *,
    root: Path,
    overrides: Sequence[str] = (),
    data: DataLocations = NO_LOCATIONS,
) -> Comparand:
    """Read a run, or plan a spec.

    Args:
        reference: a run's path, a prefix of its name, or `latest`; or a spec.
        root: folder of all runs.
        overrides: of a spec, as `--set` takes them.
        data: locations of the datasets of a spec.

    Raises:
        UsageError: it is neither.
        FolderMismatch: the run folder is damaged.
        SpecError: the spec has errors.
    """
    path = Path(reference)
    if path.is_file():
        return _spec(path, overrides=overrides, data=data)
    try:
        run = find(root, reference=reference)
    except UsageError:
        if (shipped := locate_spec(path)).is_file():
            return _spec(shipped, overrides=overrides, data=data)
        raise
    try:
        return _run(run, root=root)
    except FolderMismatch as error:
        error.run = run
        raise


def _run(path: Path, *, root: Path) -> Comparand:
    folder, plan = RunFolder.open(path), recorded_plan(path)
    folder.sealed().require(*_SHOWN)
    texts = (path / "spec.yaml", path / "resolved.yaml")
    source, resolved = (read_yaml(read_text(text), name=str(text)) for text in texts)
    environment = recorded_environment(path)
    return Comparand(
        name=run_name(root, path),
        folder=path,
        state=folder.state(),
        plan=plan,
        sources=SpecSources(source, resolved),
        environment=environment,
        results=result_sets(folder),
        last=journal.latest(folder.metrics).get(TRAIN),
        data=environment.get("data"),
    )


def _spec(path: Path, *, overrides: Sequence[str], data: DataLocations) -> Comparand:
    planned = plan_spec(path, overrides=overrides, data=data)
    plain = planned.plan.model_dump(mode="json", by_alias=True)
    resolved = read_yaml(write_yaml(planned.plan.resolved), name=str(path))
    return Comparand(
        name=str(path),
        folder=None,
        state=None,
        plan=RecordedPlan.model_validate(plain),
        sources=SpecSources(planned.loaded.source, resolved),
        environment={},
        results=(),
        last=None,
        data=fingerprint(planned.plan, data=data),
    )
