"""The stages of a plan's evaluations as rows: features with their readers, and trainings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rich.text import Text

from eqspec.cli.render.graph import Row
from eqspec.compile.evaluation_stages import fine_tuning, shared_features
from eqspec.compile.types.plan import Plan
from eqspec.compile.types.stages import FeaturesStage, FineTuneStage
from eqspec.ops.evaluation_reads import Form
from eqspec.report.numbers import number

_FORMS: Mapping[Form, str] = MappingProxyType(
    {
        "pooled": "pooled features",
        "tokens": "token grids",
        "pairs": "features of pairs",
        "derived": "features of derived images",
        "predicted": "predictions of views",
    }
)


def evaluation_rows(plan: Plan) -> list[Row]:
    """Return a row for each set of features, then one for each evaluation that trains."""
    features: list[Row] = [
        [Text(_FORMS[stage.form], "cyan"), stage.data, _images(stage), _read_by(readers)]
        for stage, readers in shared_features(plan.evaluations).values()
    ]
    trained: list[Row] = [
        [Text("fine-tuning", "cyan"), one.data.name, _learned(stage), f"for {one.name}"]
        for one in plan.evaluations
        if (stage := fine_tuning(one)) is not None
    ]
    return [*features, *trained]


def _read_by(readers: tuple[str, ...]) -> str:
    return f"for {', '.join(dict.fromkeys(readers))}"


def _images(stage: FeaturesStage) -> str:
    """Return how many images of each split are encoded."""
    splits = (("training", stage.train), ("held-out", stage.heldout))
    read = [f"{_most(most)} {name}" for name, most in splits if most != 0]
    return f"{' and '.join(read)} images"


def _most(limit: int | None) -> str:
    return "all" if limit is None else f"up to {number(limit)}"


def _learned(stage: FineTuneStage) -> str:
    learned = " and ".join(kind.words for kind in stage.targets) or "no targets"
    if stage.control is not None:
        return f"the encoder from its initial weights, row `{stage.control}`"
    if not stage.held_back:
        return learned
    return f"{learned}; {number(100 * stage.held_back)} % of the training files held back"
