from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from eqspec.commands.diff.source_locations import SpecSources
from eqspec.spec.dump import write_yaml
from eqspec.spec.load import parse_spec
from eqspec.spec.source import read_yaml
from tests.toy_specs import PATH, plan_of, toy_text

if TYPE_CHECKING:
    from pydantic import JsonValue

    from eqspec.spec.node import KeyPath

TEXT = toy_text(
    "vicreg", equivariance=PATH, extra="evaluate: [{use: r2, at: end, with: {seeds: 2}}]"
)


@pytest.fixture(scope="module")
def written() -> SpecSources:
    plan = plan_of(parse_spec(TEXT, path=Path("toy.yaml")))
    resolved = read_yaml(write_yaml(plan.resolved), name="resolved.yaml")
    return SpecSources(read_yaml(TEXT, name="toy.yaml"), resolved)


@pytest.mark.parametrize(
    ("path", "value", "excerpt"),
    [
        (("train", "batch"), 8, "train: {length: 4 steps, batch: 8}"),
        (("method",), "vicreg", "method: {use: vicreg"),
        (("method", "modules", "embed", "params", "width"), 32, "method: {use: vicreg"),
        (("backbone", "params", "width"), 32, "backbone: {card: backbone"),
        (("equivariance", "split"), 0.5, "equivariance: {use: intermediate"),
        (("evaluate", 0, "use", "params", "seeds"), 2, "evaluate: [{use: r2"),
    ],
    ids=str,
)
def test_a_value_is_found_where_it_was_written(
    written: SpecSources, path: KeyPath, value: JsonValue, excerpt: str
) -> None:
    location = written.location(path, value)
    assert location is not None
    assert location.excerpt.startswith(excerpt)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("train", "batch"), 16),  # what `--set` has replaced
        (("method", "modules", "embed", "params", "width"), 64),
        (("method", "terms", "variance", "weight"), 25.0),  # on the card only
        (("seed",), 0),
    ],
    ids=str,
)
def test_what_was_not_written_has_no_place(
    written: SpecSources, path: KeyPath, value: JsonValue
) -> None:
    assert written.location(path, value) is None
