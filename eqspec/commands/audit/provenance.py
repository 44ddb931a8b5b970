"""Level L1 of an audit: whether spec, code, environment and data are the same here.

`COMPARED` lists every comparison: a function of a `Recorded`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from pydantic import JsonValue

from eqspec.build.program import choose_device
from eqspec.commands.audit.evaluation_data import evaluation_data_finding
from eqspec.commands.audit.findings import Disagreement, Finding, Level
from eqspec.commands.audit.training_data import data_finding
from eqspec.commands.diff.differences import commit_of, environment_facts
from eqspec.commands.planning.data_locations import DataLocations
from eqspec.commands.planning.plans import plan_spec
from eqspec.compile.spec_differences import leaves
from eqspec.errors import EqspecError
from eqspec.ops.find import find_op, op_names, op_sha256
from eqspec.ops.op import how_it_runs_fields
from eqspec.ops.published import PublishedParams
from eqspec.runs.environment import collect
from eqspec.runs.folder import RunFolder
from eqspec.runs.recorded_plan import RecordedPlan, Used, recorded_environment, recorded_plan
from eqspec.spec.node import KeyPath, dotted
from eqspec.spec.phrases import counted

_PLANNED = ("seed", "recipe", "data", "views", "graph", "train", "evaluations")
"""Parts of a plan that are compared; the rest are names and run options."""

_BESIDE = frozenset({"host", "platform", "memory", "cores", "usable_cores", "accelerators"})
"""Facts about a machine that change no number by themselves."""

_MOST = 20
"""Maximum number of differences of two plans named."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The recorded state of a run and the present one.

    Attributes:
        then, now: environment of the run and of this process.
        data: locations of datasets.
        data_full: read every image whose content the run has recorded, not a sample.
    """

    folder: RunFolder
    plan: RecordedPlan
    then: Mapping[str, JsonValue]
    now: Mapping[str, JsonValue]
    data: DataLocations
    data_full: bool = False


def same_here(
    folder: RunFolder, *, data: DataLocations, data_full: bool = False
) -> Iterator[Finding]:
    """Yield a finding for every comparison of the run with this installation and machine.

    Args:
        data_full: read every image whose content the run has recorded, not a sample.

    Raises:
        FolderMismatch: plan or environment cannot be read.
    """
    device = choose_device("auto")
    names = (torch.cuda.get_device_name(device),) if device.type == "cuda" else ()
    found = collect(threads=torch.get_num_threads(), accelerators=names)
    recorded = Recorded(
        folder=folder,
        plan=recorded_plan(folder.path),
        then=recorded_environment(folder.path),
        now=json.loads(found.model_dump_json()),
        data=data,
        data_full=data_full,
    )
    yield from (f for compared in COMPARED if (f := compared(recorded)) is not None)


def _finding(
    about: str,
    found: Sequence[Disagreement],
    *,
    same: str,
    other: str,
    beside: Sequence[Disagreement] = (),
) -> Finding:
    message = other if found else same
    return Finding(Level.SAME_HERE, about, not found, message, tuple(found), tuple(beside))


def _spec(recorded: Recorded) -> Finding:
    """Compare the resolved spec, compiled here, with the plan."""
    try:
        made = plan_spec(recorded.folder.path / "resolved.yaml", data=recorded.data).plan
    except EqspecError as error:
        return Finding(Level.SAME_HERE, "spec", None, f"cannot be compiled here: {error.message}")
    if made.published is not None and made.published.file is None:
        message = f"the published weights are missing here: `{made.published.weights}`"
        return Finding(Level.SAME_HERE, "spec", None, message)
    before, after = (
        _leaves(recorded.folder.plan()),
        _leaves(made.model_dump(mode="json", by_alias=True)),
    )
    paths = dict.fromkeys([*before, *after])
    found = [
        Disagreement(dotted(p), _text(before.get(p)), _text(after.get(p)))
        for p in paths
        if before.get(p) != after.get(p)
    ]
    same = f"compiles to the same plan, recipe {made.recipe[:8]}"
    other = f"compiles to another plan: {counted(len(found), 'value differs', 'values differ')}"
    return _finding("spec", found[:_MOST], same=same, other=other)


def _leaves(plan: Mapping[str, object]) -> dict[KeyPath, JsonValue]:
    """Leaves of the compared parts; empty lists and run options of datasets are left out."""
    compared = cast("JsonValue", {key: plan.get(key) for key in _PLANNED})
    how = how_it_runs_fields(PublishedParams)
    return {
        path: value
        for path, value in leaves(compared)
        if value != [] and not (path[-3:-1] == ("data", "params") and path[-1] in how)
    }


def _code(recorded: Recorded) -> Finding:
    then, now = recorded.then, recorded.now
    ops = [d for used in recorded.plan.provenance if used.kind == "op" for d in _op(used)]
    commits = commit_of(then), commit_of(now)
    beside = [Disagreement("commit", *commits)] if commits[0] != commits[1] else []
    sources = then.get("source"), now.get("source")
    if sources[0] is None:
        message = "the run did not record eqspec's own code"
        return Finding(Level.SAME_HERE, "code", None, message, (*ops, *beside))
    if sources[0] == sources[1]:
        return _finding("code", ops, same="the same, byte for byte", other="", beside=beside)
    digests = Disagreement("source", str(sources[0])[:12], str(sources[1])[:12])
    return _finding("code", [digests, *beside, *ops], same="", other="the code of eqspec differs")


def _op(used: Used) -> Iterator[Disagreement]:
    if used.name not in op_names(used.family):
        yield Disagreement(used.full_name, f"rev {used.rev}", None)
        return
    rev, text = find_op(used.family, used.name).rev, op_sha256(used.family, used.name)
    if rev != used.rev:
        yield Disagreement(used.full_name, f"rev {used.rev}", f"rev {rev}")
    elif text != used.sha256:
        yield Disagreement(used.full_name, f"text {used.sha256[:8]}", f"text {text[:8]}")


def _environment(recorded: Recorded) -> Finding:
    before = dict(environment_facts(recorded.then))
    after = dict(environment_facts(recorded.now))
    found = [
        Disagreement(name, _text(before[name]), _text(after.get(name)))
        for name in before
        # A choice of the run (such as compiled) is no fact about this machine.
        if after.get(name) != before[name] and after.get(name) is not None
    ]
    beside = [one for one in found if one.name in _BESIDE]
    weighty = [one for one in found if one.name not in _BESIDE]
    other = "differences that may change the last bits of a number"
    return _finding("environment", weighty, same="the same", other=other, beside=beside)


def _data(recorded: Recorded) -> Finding:
    return data_finding(
        recorded.folder,
        recorded=recorded.then.get("data"),
        data=recorded.data,
        full=recorded.data_full,
    )


def _evaluation_data(recorded: Recorded) -> Finding | None:
    return evaluation_data_finding(recorded.folder, data=recorded.data)


COMPARED: tuple[Callable[[Recorded], Finding | None], ...] = (
    _spec,
    _code,
    _environment,
    _data,
    _evaluation_data,
)
"""Every comparison of this level, in the order of the page."""


def _text(value: JsonValue) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value)
