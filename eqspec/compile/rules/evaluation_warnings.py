"""Warnings about evaluations of datasets with few images."""

from __future__ import annotations

from collections.abc import Iterator

from eqspec.compile.rules.evaluation_locations import evaluation_location
from eqspec.compile.types.plan import Plan
from eqspec.errors import Diagnostic, Severity
from eqspec.ops.find import find_evaluation
from eqspec.spec.source import Source


def evaluation_warnings(plan: Plan, source: Source) -> Iterator[Diagnostic]:
    """Warn of evaluations that need more images than their dataset has.

    An op may state in `caveats(params, images=…)` what its numbers then mean.
    """
    for at, evaluation in enumerate(plan.evaluations):
        op = find_evaluation(evaluation.impl)
        images = evaluation.data.count
        if not images:  # their number is known once they are read
            continue
        for message in op.caveats(op.Params.model_validate(evaluation.params), images=images):
            yield Diagnostic(
                "EQ511",
                f"`{evaluation.name}`: {message}",
                evaluation_location(source, at=at),
                help="compare its numbers only with others that are measured on as many images",
                severity=Severity.WARNING,
            )
