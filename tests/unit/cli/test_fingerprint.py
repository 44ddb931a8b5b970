"""Tests of `data.fingerprint`: it is read everywhere, and no recipe depends on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eqspec.compile.spec_differences import Matters, spec_changes
from eqspec.spec.dump import write_yaml
from tests.command_line import ask
from tests.fake_datasets import save
from tests.toy_specs import toy_text

FIXED = "{use: tiny-imagenet-100}"
BODY = (
    "{card: dataset, rev: 1, name: mine, about: Images of mine., impl: image_folder, "
    "facts: {count: 16, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2]}}"
)
CARD = """
card: dataset
rev: 1
about: Images of mine.
impl: image_folder
facts: {count: 16, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2]}
"""
ENCODER = """
card: backbone
rev: 1
about: A toy of mine.
impl: vit
init: weights.pth
params: {patch: 8, width: 16, depth: 1, heads: 2}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(data: str, *, more: str = "") -> None:
    Path("toy.yaml").write_text(toy_text("vicreg").replace("{use: photos}", data) + more)


def full(data: str) -> str:
    return data.removesuffix("}") + ", fingerprint: full}"


def planned(*more: str) -> dict[str, Any]:
    answer = ask("plan", "toy.yaml", "--no-trace", "--json", *more)
    assert answer.status == 0, answer.err
    return answer.data["plan"]


@pytest.mark.parametrize("data", ["{use: photos}", FIXED, BODY])
def test_it_is_set_next_to_use_or_in_an_inline_card(data: str) -> None:
    write(data)
    without, by_set = planned(), planned("--set", "data.fingerprint=full")
    write(full(data))
    written = planned()
    assert [one["fingerprint"] for one in (without, by_set, written)] == ["sample", "full", "full"]
    assert len({one["recipe"] for one in (without, by_set, written)}) == 1
    assert [e["id"] for e in written["evaluations"]] == [e["id"] for e in without["evaluations"]]
    assert written["data"] == without["data"]


@pytest.mark.parametrize("data", [FIXED, BODY.replace("count: 16", "count: 16, classes: 5")])
def test_a_stand_in_has_the_same_fingerprint_setting(data: str) -> None:
    for at in range(16):
        save(Path("pictures", f"{at}.png"))
    write(full(data))
    there = planned("--data", "pictures")
    assert (there["data"]["name"], there["fingerprint"]) == ("image-folder", "full")
    assert there["resolved"]["data"]["fingerprint"] == "full"


@pytest.mark.parametrize("data", ["{use: photos}", full(FIXED), full(BODY)])
def test_the_resolved_spec_contains_it_and_compiles_to_the_same_plan(data: str) -> None:
    write(data)
    first = planned()
    assert first["resolved"]["data"]["fingerprint"] == first["fingerprint"]
    Path("toy.yaml").write_text(write_yaml(first["resolved"]))
    again = planned()
    assert (again["recipe"], again["fingerprint"]) == (first["recipe"], first["fingerprint"])


def test_a_difference_in_it_matters_for_nothing() -> None:
    write("{use: photos}")
    one, other = (planned(*m)["resolved"] for m in ((), ("--set", "data.fingerprint=full")))
    (change,) = spec_changes(one, other)
    assert (change.dotted, change.matters) == ("data.fingerprint", Matters.NOTHING)


@pytest.mark.parametrize(
    ("data", "value", "origin"),
    [
        (BODY, "sample", "default of the schema"),
        (full(BODY), "full", "toy.yaml:"),
        (full("{use: photos}"), "full", "toy.yaml:"),
    ],
)
def test_it_is_explained(data: str, value: str, origin: str) -> None:
    write(data)
    page = ask("explain", "toy.yaml", "data.fingerprint").out
    assert f"  value    {value}\n" in page
    assert "  changes  how it runs\n" in page
    assert f"  origin   {origin}" in page


def test_so_is_the_limit_of_damaged_images() -> None:
    write(BODY)
    page = ask("explain", "toy.yaml", "data.with.unreadable").out
    assert "  value    auto\n" in page
    assert "5 % of the images, at least 1 and at most 100" in " ".join(page.split())
    assert "  changes  how it runs\n" in page


def test_another_word_is_refused_with_those_there_are() -> None:
    write("{use: photos, fingerprint: ful}")
    answer = ask("check", "toy.yaml")
    assert answer.status == 2
    assert "`data.fingerprint` cannot be `ful`" in answer.err
    assert "allowed: sample, full" in answer.err


def test_there_is_no_second_way_to_write_it() -> None:
    write("{use: tiny-imagenet-100, with: {fingerprint: full}}")
    answer = ask("check", "toy.yaml")
    assert answer.status == 2
    assert "unknown key `data.with.fingerprint`" in answer.err


@pytest.mark.parametrize(
    ("family", "card", "data", "more"),
    [
        ("datasets", f"{CARD}fingerprint: full\n", "{use: mine}", ""),
        (
            "datasets",
            CARD,
            "{use: mine}",
            f"evaluate: [{{use: knn, at: end, with: {{data: {full(BODY)}}}}}]\n",
        ),
        ("backbones", ENCODER, "{use: photos}", ""),
    ],
)
def test_a_card_file_must_not_contain_it(family: str, card: str, data: str, more: str) -> None:
    path = Path("registry", family, "mine.yaml")
    path.parent.mkdir(parents=True)
    path.write_text(card)
    write(data, more=more)
    given = ("--set", "backbone={use: mine}") if family == "backbones" else ()
    answer = ask("check", "toy.yaml", *given)
    assert answer.status == 2
    key = "init" if family == "backbones" else "fingerprint"
    assert f"`{key}` belongs in the spec, not in a card file" in answer.err
