"""Steps after which a run is evaluated, as `plan` shows them and `run` carries them out."""

from __future__ import annotations

from eqspec.compile.types.plan import EvalPlan, Plan
from eqspec.ops.find import find_evaluation


def evaluation_steps(plan: Plan, evaluation: EvalPlan, *, untrained: bool) -> tuple[int, ...]:
    """Return the steps after which a run is evaluated, in order; 0 is before training.

    Args:
        plan: of the run.
        evaluation: of that plan, or one that is added to its run.
        untrained: also evaluate the encoder before training.
    """
    last = plan.train.steps
    during = {step for step in evaluation.steps if step < last}
    return tuple(sorted({*((0,) if untrained else ()), *during, last}))


def evaluates_untrained(plan: Plan, *, own: Plan) -> bool:
    """Return whether a run also evaluates its encoder before training.

    An untrained encoder is evaluated once: in the run of the spec itself, and in those of variants
    that start from another encoder.

    Args:
        plan: of the spec or of one of its variants.
        own: of the spec.
    """
    alike = (untrained_encoder(plan), plan.published) == (untrained_encoder(own), own.published)
    return plan is own or not alike


def untrained_encoder(plan: Plan) -> tuple[object, ...]:
    """Return everything that determines an encoder before training, and its evaluations."""
    module = next(m for m in plan.graph.modules if m.family == "backbones")
    views = plan.views
    heads = None  # of a predictor that is evaluated, untrained like its encoder
    if any(find_evaluation(one.impl).needs_predictor for one in plan.evaluations):
        heads = plan.graph, views
    encoder = views.mean, views.std, module.model_dump()
    return plan.seed, plan.init, plan.evaluations, *encoder, heads
