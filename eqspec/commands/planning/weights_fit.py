"""Fit of the weights that plans start from: what `run` refuses, `check` refuses too.

Names, shapes and values are read, and nothing is trained. Torch is imported only if there are some.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eqspec.commands.planning.plans import Planned
from eqspec.compile.types.plan import Plan
from eqspec.errors import Diagnostic, EqspecError, SpecError
from eqspec.spec.node import KeyPath

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eqspec.build.weights.initial import Fit
    from eqspec.build.weights.published import PublishedFit


@dataclass(frozen=True, slots=True)
class Fits:
    """Match of a plan with its initial weights.

    Attributes:
        initial: of `init_from`; None without any.
        published: of `backbone.init`; None without any, or while they are missing.
    """

    initial: Fit | None = None
    published: PublishedFit | None = None


def fits(planned: Planned) -> Mapping[str, Fits]:
    """Return the fit of each variant by name, and of the spec itself under the empty name.

    Raises:
        SpecError: weights do not fit; with all problems.
    """
    found: dict[str, Fits] = {}
    problems: list[Diagnostic] = []
    for name, plan in {**planned.variants, "": planned.plan}.items():
        loaded = planned.loaded.variants.get(name, planned.loaded)
        found[name], refused = _fits_of(plan)
        for code, path, error in refused:
            one = Diagnostic(code, error.message, loaded.source.value(path), help=error.help)
            problems += [one] if one not in problems else []
    if problems:
        raise SpecError(tuple(problems))
    return found


def _fits_of(plan: Plan) -> tuple[Fits, list[tuple[str, KeyPath, EqspecError]]]:
    """Return how the weights of a plan fit, and the problems: code, key in the spec, reason."""
    initial, published = None, None
    refused: list[tuple[str, KeyPath, EqspecError]] = []
    if plan.init is not None:
        from eqspec.build.weights.initial import fit_of

        try:
            initial = fit_of(plan)
        except EqspecError as error:
            refused.append(("EQ301", ("init_from",), error))
    if plan.published is not None and plan.published.file is not None:
        from eqspec.build.weights.published import fit_published

        try:
            published = fit_published(plan)
        except EqspecError as error:
            refused.append(("EQ302", ("backbone", "init"), error))
    return Fits(initial, published), refused


def fit_data(found: PublishedFit) -> dict[str, Any]:
    """Return the comparison with published weights as plain data."""
    return {
        "layout": found.layout.name,
        "part": found.layout.part,
        "wrapper": found.layout.wrapper,
        "inserted": list(found.layout.inserted),
        "matched": len(found.fit.taken),
        "missing": list(found.fit.missing),
        "unexpected": list(found.fit.unexpected),
        "misshapen": list(found.fit.misshapen),
        "set_aside": {what: list(names) for what, names in found.aside.items()},
        "resampled": {name: list(shapes) for name, shapes in found.resampled.items()},
        "disagreements": [str(one) for one in found.disagreements],
    }
