from __future__ import annotations

import json
from pathlib import Path

import pytest

from eqspec.spec.axes import Axis, axes, find_axis
from eqspec.spec.load import parse_spec
from eqspec.spec.model import EquivarianceSpec, identity_fields
from eqspec.spec.schema import json_schema
from tests.toy_specs import PATH, toy_text

NAMES = tuple(axes())


def _overridden(*overrides: str) -> None:
    parse_spec(toy_text("ibot", equivariance=PATH), path=Path("toy.yaml"), overrides=overrides)


def test_the_axes_of_the_papers_sensitivity_study() -> None:
    assert axes()["lambda"].study == (0.1, 1, 5)
    assert axes()["d_equi"].study == (256, 512, 1024, 2048, 4096)
    assert [share * 8192 for share in axes()["split"].study] == list(axes()["d_equi"].study)
    assert axes()["images"].study == (1, 2, 3, "2+final")
    assert axes()["transform"].study == ("rot", "trans", "se2")


@pytest.mark.parametrize("name", NAMES)
def test_an_axis_leads_to_a_key_of_the_spec_that_changes_the_weights(name: str) -> None:
    first, *_ = axes()[name].path.split(".")
    assert identity_fields()[first] == "weights"


@pytest.mark.parametrize("name", [name for name in NAMES if axes()[name].study])
def test_what_the_paper_tries_is_legal(name: str) -> None:
    axis = axes()[name]
    cleared = [] if axis.instead_of is None else [f"{axis.instead_of}=null"]
    for value in axis.study:
        _overridden(*cleared, f"{axis.path}={json.dumps(value)}")


def test_two_ways_of_one_thing_know_one_another() -> None:
    rivals = {axis.path: axis.instead_of for axis in axes().values() if axis.instead_of}
    assert rivals
    assert all(rivals[other] == path for path, other in rivals.items())


def test_an_axis_is_found_by_name_by_path_or_as_any_path_of_a_spec() -> None:
    assert find_axis("lambda") == find_axis("equivariance.lambda") == axes()["lambda"]
    assert find_axis("train.schedule") == Axis("train.schedule", "train.schedule")
    assert find_axis("method") == axes()["method"]
    assert find_axis("lamda") is None
    assert find_axis("equivariant.lambda") is None
    assert find_axis("") is None


def test_the_schema_shows_the_axes() -> None:
    assert EquivarianceSpec.model_fields["lambda_"].alias == "lambda"
    shown = json.dumps(json_schema())
    assert all(f'"name": "{name}"' in shown for name in NAMES)
