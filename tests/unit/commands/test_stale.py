from __future__ import annotations

from eqspec.commands.outdated_revs import Raised, revs, stale
from eqspec.commands.summary_metric import latest_summary
from eqspec.nn.readouts.measurement import EvalProtocol, Measurement, ResultSet
from eqspec.registry.catalog import open_catalog
from eqspec.runs.recorded_plan import PlannedEvaluation, RecordedPlan, Used


def plan(*used: Used, card_rev: int = 1) -> RecordedPlan:
    return RecordedPlan.model_validate(
        {
            "name": "tiny",
            "recipe": "7f3a9c21",
            "seed": 0,
            "train": {"steps": 4},
            "resolved": {"evaluate": [{"use": {"name": "r2", "rev": card_rev}}]},
            "provenance": used,
            "evaluations": [PlannedEvaluation(id="r2-0", name="r2", impl="r2", rev=1, steps=(4,))],
        }
    )


def used(kind: str, family: str, name: str, *, rev: int) -> Used:
    return Used.model_validate(
        {"kind": kind, "family": family, "name": name, "rev": rev, "sha256": "0"}
    )


def results(*, rev: int, step: int = 4, measured: tuple[Measurement, ...] = ()) -> ResultSet:
    return ResultSet(measured, step=step).measured_by(EvalProtocol("r2", "r2-0", rev=rev))


NOW = revs(open_catalog())


def test_what_was_trained_with_a_lower_rev_is_stale() -> None:
    old = used("op", "terms", "invariance", rev=0), used("card", "methods", "vicreg", rev=0)
    found = stale(plan(*old), (), now=NOW)
    assert [(r.what, r.kind, r.name, r.was) for r in found] == [
        ("training", "op", "terms/invariance", 0),
        ("training", "card", "methods/vicreg", 0),
    ]


def test_what_is_not_known_here_is_not_stale() -> None:
    gone = used("op", "terms", "gone", rev=0), used("card", "backbones", "inline-backbones", rev=0)
    newer = used("card", "methods", "vicreg", rev=10**6)
    assert stale(plan(*gone, newer), (), now=NOW) == ()


def test_a_result_is_stale_by_its_op_and_by_its_card() -> None:
    rev = NOW("op", "evaluations", "r2")
    card = NOW("card", "evaluations", "r2")
    assert rev is not None
    assert card is not None
    by_op = stale(plan(card_rev=card), (results(rev=rev - 1), results(rev=rev)), now=NOW)
    assert by_op == (Raised("r2-0", "op", "evaluations/r2", rev - 1, rev),)
    by_card = stale(plan(card_rev=card - 1), (results(rev=rev),), now=NOW)
    assert by_card == (Raised("r2-0", "card", "evaluations/r2", card - 1, card),)


def test_the_summary_metric_is_that_of_the_result_after_the_most_steps() -> None:
    measured = (Measurement("r2_constant", 0.0), Measurement("r2", 0.5, group=(("family", "rot"),)))
    early, late = (results(rev=1, step=step, measured=measured) for step in (0, 4))
    found = latest_summary((late, early), plan())
    assert found is not None
    assert (found.step, found.measurement.label, found.measurement.value) == (4, "r2 rot", 0.5)
    assert latest_summary((), plan()) is None
