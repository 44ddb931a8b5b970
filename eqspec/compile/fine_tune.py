"""The plan of a fine-tuning: an evaluation's training, compiled like any other. Pure, no torch.

The evaluation op states the parts of a spec (`eqspec.ops.fine_tuning`); what they leave open is the
run's: backbone, size and normalisation of the images, seed and machine. So the plan is one that a
spec could have had, and its run folder is like every other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from eqspec.compile.evaluation_stages import fine_tuning
from eqspec.compile.lookup.look_up import look_up
from eqspec.compile.lookup.resolve import resolve
from eqspec.compile.planner import plan as make_plan
from eqspec.ops.find import find_evaluation
from eqspec.ops.fine_tuning import FineTune
from eqspec.spec.dump import write_yaml
from eqspec.spec.load import parse_spec

if TYPE_CHECKING:
    from eqspec.compile.types.initial_weights import InitPlan
    from eqspec.compile.types.plan import EvalPlan, Plan
    from eqspec.registry.catalog import Catalog


@dataclass(frozen=True, slots=True)
class FineTuneData:
    """What is known of the data of a fine-tuning.

    Attributes:
        images: training images, without those that are held back.
        classes: names of the classes are not needed, only how many there are.
    """

    images: int
    classes: int


def parts(evaluation: EvalPlan, *, classes: int) -> FineTune:
    """Return the parts of the spec of an evaluation's training.

    Those of its stage, if they were planned for so many classes; otherwise the op states them.
    """
    stage = fine_tuning(evaluation)
    if stage is not None and stage.method is not None and stage.classes == classes:
        return FineTune(
            method=stage.method,
            augment=stage.augment or {},
            train=stage.train or {},
            held_back=stage.held_back,
            equivariance=stage.equivariance,
            start="encoder" if stage.control is None else "initial",
        )
    op = find_evaluation(evaluation.impl)
    return op.fine_tune(op.Params.model_validate(evaluation.params), classes=classes)


def fine_tune_plan(
    parent: Plan,
    evaluation: EvalPlan,
    *,
    data: FineTuneData,
    init: InitPlan | None,
    catalog: Catalog,
) -> Plan:
    """Return the plan of an evaluation's training.

    Args:
        parent: plan of the run whose encoder is evaluated.
        evaluation: one that trains.
        data: as found; or as the dataset's card promises.
        init: weights of the encoder; None for an estimate, which needs none.
        catalog: cards are named nowhere in the spec, but the compiler asks for one.

    Raises:
        SpecError: the evaluation does not suit the encoder or the data, such as a batch of more
            images than there are.
    """
    spec = _spec(parent, evaluation, data=data)
    loaded = parse_spec(write_yaml(spec), path=Path(f"{evaluation.id}.yaml"))
    lookup = look_up(loaded.source, catalog=catalog)
    resolved = resolve(lookup, loaded.spec, name=evaluation.id)
    return make_plan(resolved, count=data.images, init=init)


def _spec(parent: Plan, evaluation: EvalPlan, *, data: FineTuneData) -> dict[str, JsonValue]:
    stated = parts(evaluation, classes=data.classes)
    backbone = parent.resolved["backbone"]
    assert isinstance(backbone, Mapping), "a resolved spec has every card by value"
    return {
        "schema": 1,
        "about": f"{evaluation.name} of {parent.name}, {parent.recipe[:8]}-s{parent.seed}.",
        "seed": parent.seed,
        "image": parent.image,
        "data": _dataset(parent, evaluation, data=data, held_back=stated.held_back),
        "augment": dict(stated.augment),
        "backbone": {key: value for key, value in backbone.items() if key != "init"},
        "method": dict(stated.method),
        "equivariance": "none" if stated.equivariance is None else dict(stated.equivariance),
        "train": dict(stated.train),
        "keep": {"last": 1},
        "machine": {
            "device": parent.machine.device,
            "workers": parent.machine.workers,
            "compile": parent.machine.compile,
        },
    }


def _dataset(
    parent: Plan, evaluation: EvalPlan, *, data: FineTuneData, held_back: float
) -> dict[str, JsonValue]:
    """The body of the dataset's card; images are normalised as the encoder expects them."""
    facts: dict[str, JsonValue] = {
        "classes": data.classes,
        "mean": list(parent.views.mean),
        "std": list(parent.views.std),
    }
    return {
        "card": "dataset",
        "name": evaluation.data.name,
        "rev": 1,
        "about": f"What {evaluation.name} is trained on.",
        "impl": evaluation.data.impl,
        "params": evaluation.data.params,
        "facts": facts,
        "held_back": held_back,
    }
