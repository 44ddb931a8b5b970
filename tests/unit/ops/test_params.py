"""Tests that impossible parameters are refused when they are read."""

from __future__ import annotations

import pytest
from pydantic import JsonValue, ValidationError

from eqspec.ops.find import find_evaluation, find_op
from eqspec.registry.cards import EvaluationCard
from eqspec.registry.catalog import open_catalog


@pytest.mark.parametrize(
    ("family", "name", "params"),
    [
        ("optimizers", "adamw", {"lr": 1e-3, "betas": [2, 3]}),
        ("optimizers", "adamw", {"lr": 1e-3, "betas": [0.9, 1]}),
        ("optimizers", "adamw", {"lr": 1e-3, "betas": [-0.1, 0.9]}),
        ("heads", "mlp", {"widths": [4, 0]}),
        ("heads", "mlp", {"widths": [-3]}),
        ("transforms", "rot", {"degrees": [0, 361]}),
        ("transforms", "se2", {"degrees": [-1e300, 0]}),
        ("transforms", "se2", {"pixels": [-33, 0], "at": 32}),
        ("transforms", "trans", {"pixels": [-10, 1e5]}),
    ],
)
def test_what_cannot_be_built_is_refused(
    family: str, name: str, params: dict[str, JsonValue]
) -> None:
    with pytest.raises(ValidationError):
        find_op(family, name).Params.model_validate(params)


@pytest.mark.parametrize(
    ("family", "name", "params"),
    [
        ("optimizers", "adamw", {"lr": 1e-3, "betas": [0, 0.999]}),
        ("heads", "mlp", {"widths": [1]}),
        ("transforms", "rot", {"degrees": [-360, 360]}),
        ("transforms", "trans", {"pixels": [-32, 32], "at": 32}),
    ],
)
def test_the_ends_of_the_ranges_are_legal(
    family: str, name: str, params: dict[str, JsonValue]
) -> None:
    find_op(family, name).Params.model_validate(params)


@pytest.mark.parametrize("width", [0, -1])
def test_a_regressor_has_layers_with_units(width: int) -> None:
    card = open_catalog().card(EvaluationCard, "r2").model
    assert isinstance(card, EvaluationCard)
    params = find_evaluation("r2").Params
    written = {**card.params, "families": {"rot": {"impl": "rot"}}}
    params.model_validate(written)
    with pytest.raises(ValidationError, match="hidden"):
        params.model_validate({**written, "hidden": [8, width]})
