"""A spec with its variants as runs, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eqspec.commands.plans import Planned
from eqspec.commands.run import RunRequest, never
from eqspec.compile.plan import Plan
from eqspec.spec.load import read_text


@dataclass(frozen=True, slots=True)
class Member:
    """One run of a series.

    Attributes:
        name: the variant's, or the spec's own.
    """

    name: str
    request: RunRequest


def series(
    planned: Planned,
    *,
    root: Path,
    data: Path | None = None,
    steps: int | None = None,
    should_stop: Callable[[], bool] = never,
) -> tuple[Member, ...]:
    """The variants, then the spec itself.

    An untrained encoder is judged once: in the spec's own run, and in those of variants whose
    encoder starts as another one.

    Args:
        root: folder of all runs.
        data: folder of the dataset, where it needs one.
        steps: stop each training after so many.
    """
    text, own = read_text(planned.loaded.path), planned.plan
    named = (*planned.variants.items(), (own.name, own))
    return tuple(
        Member(
            name=name,
            request=RunRequest(
                plan=plan,
                spec_text=text,
                root=root,
                data=data,
                steps=steps,
                untrained=plan is own or not _start_alike(plan, own),
                should_stop=should_stop,
            ),
        )
        for name, plan in named
    )


def _start_alike(a: Plan, b: Plan) -> bool:
    """Whether two untrained encoders are one function, so that one judgement does for both."""
    return _encoder(a) == _encoder(b)


def _encoder(plan: Plan) -> tuple[object, ...]:
    module = next(m for m in plan.graph.modules if m.family == "backbones")
    return plan.seed, plan.evaluations, plan.views.mean, plan.views.std, module.model_dump()
