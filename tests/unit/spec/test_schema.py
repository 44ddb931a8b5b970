"""The JSON Schema that editors read: it is legal, committed, and takes every spec that ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from eqspec.cli.main import main
from eqspec.commands.schema import schema_text
from eqspec.registry.places import specs_root
from eqspec.spec.schema import json_schema
from eqspec.spec.source import read_yaml

SPECS = sorted(specs_root().rglob("*.yaml"))
COMMITTED = specs_root() / "schema.json"


def test_it_is_a_legal_schema_that_says_what_each_field_means():
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    batch = schema["$defs"]["TrainSpec"]["properties"]["batch"]
    assert batch["unit"] == "images"
    assert "Global batch" in batch["description"]


def test_the_committed_file_is_the_schema(request: pytest.FixtureRequest):
    """`pytest --update-golden` writes it anew."""
    if request.config.getoption("--update-golden"):
        COMMITTED.write_text(schema_text(), encoding="utf-8")
    assert COMMITTED.read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("path", SPECS, ids=lambda p: str(p.relative_to(specs_root())))
def test_every_spec_that_ships_fits_and_points_to_it(path: Path):
    text = path.read_text(encoding="utf-8")
    up = "../" * (len(path.relative_to(specs_root()).parts) - 1)
    assert text.startswith(f"# yaml-language-server: $schema={up}schema.json\n")
    assert (path.parent / f"{up}schema.json").resolve() == COMMITTED.resolve()
    data = read_yaml(text, name=str(path)).data
    assert [e.message for e in Draft202012Validator(json_schema()).iter_errors(data)] == []


@pytest.mark.parametrize(
    "change", [{"trian": 1}, {"seed": "x"}, {"data": {"use": "a.b"}}, {"method": {"rev": 1}}]
)
def test_what_is_wrong_does_not_fit(change: dict[str, object]):
    data = read_yaml(SPECS[0].read_text(encoding="utf-8"), name="spec.yaml").data
    assert list(Draft202012Validator(json_schema()).iter_errors({**data, **change}))


def test_the_command_prints_and_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema()
    assert main(["schema", "-o", str(tmp_path / "s.json")]) == 0
    assert json.loads((tmp_path / "s.json").read_text()) == json_schema()
    assert "$schema=s.json" in capsys.readouterr().err
    assert main(["schema", "-o", str(tmp_path / "no" / "s.json")]) == 2
