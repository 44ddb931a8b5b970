"""Execution of one evaluation of a plan on a model.

The protocol is an op (`eqspec/ops/evaluations`) that reads features or predictions of the model.
The caller decides which models to compare (untrained, base): one call of `evaluate` for each, then
`compare`.
"""

from __future__ import annotations

from dataclasses import replace

from eqspec.build.data.loader import Dataset
from eqspec.compile.types.plan import EvalPlan
from eqspec.errors import Diagnostic, SpecError, UsageError
from eqspec.evals.bench import Bench
from eqspec.evals.fine_tuned import FineTunedModel
from eqspec.evals.replaced import replaced_facts
from eqspec.nn.readouts.image_features import Split
from eqspec.nn.readouts.measurement import EvalProtocol, Measurement, ResultSet, Summary
from eqspec.ops.find import find_evaluation
from eqspec.ops.labels import too_few, why_no_labels


def evaluate(plan: EvalPlan, bench: Bench | FineTunedModel) -> ResultSet:
    """Return the evaluation's measurements, with the per-sample values that comparisons read.

    Args:
        plan: the protocol with its parameters.
        bench: the frozen model, or the model trained by the evaluation; regressors and probes are
            trained on the training split alone, and the held-out split is only reported.

    Raises:
        EqspecError: the data do not suit the evaluation, or features are not finite.
    """
    check_data(plan, train=bench.train, held_out=bench.held_out)
    op = find_evaluation(plan.impl)
    params = op.Params.model_validate(plan.params)
    bench.read.clear()
    result: ResultSet = op.build(params).run(bench)
    splits: dict[Split, Dataset] = {"train": bench.train, "held-out": bench.held_out}
    read = {split: (splits[split], sorted(bench.read[split])) for split in sorted(bench.read)}
    facts = {"evaluation": plan.id, "rev": plan.rev, **result.facts, **replaced_facts(read)}
    if short := op.caveats(params, images=len(bench.train)):
        facts["caveats"] = list(short)
    protocol = EvalProtocol(evaluation=plan.name, id=plan.id, rev=plan.rev)
    return replace(result, facts=facts).measured_by(protocol)


def check_data(plan: EvalPlan, *, train: Dataset, held_out: Dataset) -> None:
    """Check that two splits suit an evaluation.

    Raises:
        SpecError: there are too few images; or labels are needed, but missing, all of one class, or
            different in the two splits.
    """
    few = too_few(len(train), len(held_out))
    if few is not None:
        diagnostic = Diagnostic("EQ050", f"`{plan.name}` {few}", help="add more images")
        raise SpecError((diagnostic,))
    if not find_evaluation(plan.impl).needs_labels:
        return
    wrong = why_no_labels(train, held_out, data=plan.data.name)
    if wrong is not None:
        message = f"`{plan.name}` needs labels, but {wrong.why}"
        raise SpecError((Diagnostic("EQ040", message, help=wrong.help),))


def compare(plan: EvalPlan, a: ResultSet, b: ResultSet) -> tuple[Measurement, ...]:
    """Return the differences `a` − `b` on the same held-out samples, with paired intervals.

    Raises:
        UsageError: the two were not measured on the same samples.
    """
    if a.facts.get("data") != b.facts.get("data"):
        raise UsageError(
            f"two results of `{plan.name}` cannot be compared: `{plan.data.name}` has changed "
            "between them",
            help="evaluate both on the same data",
        )
    found = find_evaluation(plan.impl).difference(a, b)
    return tuple(replace(one, protocol=a.protocol) for one in found)


def summary(plan: EvalPlan) -> Summary:
    """Return the measurements of an evaluation that tables show."""
    return find_evaluation(plan.impl).summary
