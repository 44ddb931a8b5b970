from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from eqspec.spec.data import DataUse
from eqspec.spec.model import (
    EquivarianceSpec,
    Evaluation,
    Machine,
    Spec,
    TrainSpec,
    identity_fields,
)
from eqspec.spec.schema import json_schema
from eqspec.spec.use import CardBody, CardUse, OpCall

SECTIONS = (Spec, EquivarianceSpec, TrainSpec, Evaluation, Machine)
LEAST = {
    "schema": 1,
    "data": {"use": "photos"},
    "backbone": {"use": "vit"},
    "method": {"card": "method", "rev": 1},
    "train": {"length": "20 steps", "batch": 64},
}


@pytest.mark.parametrize("section", [*SECTIONS, CardUse, DataUse, OpCall])
def test_every_field_is_described_in_a_sentence_or_less(section: type[BaseModel]):
    for name, field in section.model_fields.items():
        assert field.description, name
        assert field.description.endswith((".", "…")), name


@pytest.mark.parametrize("section", SECTIONS)
def test_every_top_level_field_is_marked_once_and_what_is_below_is_not(section: type[BaseModel]):
    for name, field in section.model_fields.items():
        extra = field.json_schema_extra
        marked = isinstance(extra, dict) and "identity" in extra
        assert marked is (section is Spec), name


def test_what_changes_the_weights():
    marks = identity_fields()
    assert {key for key, mark in marks.items() if mark == "weights"} == {
        *(
            "seed",
            "image",
            "data",
            "augment",
            "backbone",
            "method",
            "equivariance",
            "train",
            "init_from",
        ),
    }
    assert {key for key, mark in marks.items() if mark == "how"} == {
        *("schema", "about", "evaluate", "compare", "machine", "keep"),
    }


def test_the_least_spec_and_its_neutral_values():
    spec = Spec.model_validate(LEAST)
    assert spec.equivariance == "none"
    assert (spec.seed, spec.image, spec.augment, spec.evaluate) == (0, None, None, ())
    assert spec.machine == Machine()
    assert spec.data == DataUse(use="photos")
    assert spec.method == CardBody({"card": "method", "rev": 1})


def test_a_spec_cannot_be_changed():
    spec = Spec.model_validate(LEAST)
    with pytest.raises(ValidationError, match="frozen"):
        spec.seed = 1


@pytest.mark.parametrize("name", ["torch.nn.Linear", "a/b", "A", "", "-a", "a:b", "_a", "a b"])
def test_a_name_is_bare(name: str):
    with pytest.raises(ValidationError, match="not a bare name"):
        CardUse(use=name)
    with pytest.raises(ValidationError, match="not a bare name"):
        OpCall(impl=name)


@pytest.mark.parametrize("images", [0, 4, True, "2+Final", 2.5])
def test_the_number_of_images_is_one_of_the_papers(images: object):
    with pytest.raises(ValidationError):
        EquivarianceSpec.model_validate(
            {"use": "sie", "transform": {"use": "rot"}, "images": images}
        )


def test_a_body_may_stand_in_the_place_of_a_name():
    section = {"use": {"card": "equivariance"}, "transform": {"card": "transform"}}
    built = EquivarianceSpec.model_validate(section)
    assert built.use == CardBody({"card": "equivariance"})
    assert built.model_dump(by_alias=True)["use"] == {"card": "equivariance"}


def test_the_json_schema_says_what_editors_and_explain_show():
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"schema", "data", "backbone"}
    definitions = schema["$defs"]
    batch = definitions["TrainSpec"]["properties"]["batch"]
    assert (batch["unit"], batch["minimum"]) == ("images", 2)
    assert definitions["EquivarianceSpec"]["properties"]["lambda"]["paper"] == "1"
    assert schema["properties"]["machine"]["identity"] == "how"
