"""`eqspec plan`: what would run and where, with what it costs; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from eqspec.build.crop import effective_scale
from eqspec.commands.plans import plan_spec
from eqspec.compile.plan import Plan
from eqspec.errors import Diagnostic
from eqspec.runs.folder import Identity, RunFolder, State, place

if TYPE_CHECKING:
    from eqspec.build.trace import Trace


@dataclass(frozen=True, slots=True)
class Described:
    """A plan with what is known before it runs.

    Attributes:
        changes: what the variant sets, by dotted path; empty for the spec itself.
        folder: where the run is or will be, in this state.
        shown: (group, index) of a view → range of the area's share that it really shows, where a
            margin shrinks its crops and the size of the images is known.
        trace: parameters and operations, when asked for.
    """

    plan: Plan
    changes: Mapping[str, JsonValue]
    folder: Path
    state: State
    shown: Mapping[tuple[str, int], tuple[float, float]]
    trace: Trace | None

    def as_data(self) -> dict[str, Any]:
        """The same as plain data."""
        cost = self.trace
        return {
            "folder": str(self.folder),
            "state": self.state.value,
            "trace": None
            if cost is None
            else {
                "parameters": dict(cost.parameters),
                "frozen": cost.frozen,
                "gflops_per_sample": cost.gflops_per_sample,
                "weights_bytes": cost.weights_bytes,
            },
            "plan": self.plan.model_dump(mode="json", by_alias=True),
        }


@dataclass(frozen=True, slots=True)
class Planning:
    """A spec's plan and those of its variants, in the order of `compare:`."""

    own: Described
    variants: tuple[Described, ...]
    warnings: tuple[Diagnostic, ...]

    def as_data(self) -> dict[str, Any]:
        """The same as plain data."""
        return {**self.own.as_data(), "variants": [v.as_data() for v in self.variants]}


def plan(
    path: Path,
    *,
    runs: Path,
    overrides: Sequence[str] = (),
    data: Path | None = None,
    traced: bool = True,
) -> Planning:
    """Compiles a spec and looks at what came out.

    Args:
        runs: folder of all runs.
        traced: run the graphs once on meta tensors; needs torch.

    Raises:
        SpecError: with everything that is wrong.
    """
    planned = plan_spec(path, overrides=overrides, data=data)
    compare = planned.loaded.spec.compare
    return Planning(
        own=_described(planned.plan, changes={}, runs=runs, traced=traced),
        variants=tuple(
            _described(variant, changes=compare[name], runs=runs, traced=traced)
            for name, variant in planned.variants.items()
        ),
        warnings=planned.warnings,
    )


def _described(
    plan: Plan, *, changes: Mapping[str, JsonValue], runs: Path, traced: bool
) -> Described:
    folder = place(runs, identity=Identity.model_validate(plan.model_dump(mode="json")))
    return Described(
        plan=plan,
        changes=changes,
        folder=folder,
        state=RunFolder(folder).state() if (folder / "plan.json").is_file() else State.NEW,
        shown=_shown(plan),
        trace=_trace(plan) if traced else None,
    )


def _shown(plan: Plan) -> dict[tuple[str, int], tuple[float, float]]:
    side = plan.data.params.get("tile")
    if not isinstance(side, int):  # the images have sizes of their own
        return {}
    return {
        (v.group, v.index): effective_scale(
            v.crop, width=side, height=side, size=v.size, canvas=v.canvas
        )
        for v in plan.views.views
        if v.canvas > v.size
    }


def _trace(plan: Plan) -> Trace:
    from eqspec.build.trace import trace

    return trace(plan)
