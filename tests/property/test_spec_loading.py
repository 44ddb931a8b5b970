"""Laws of reading a spec: what is legal comes back, and damage ends in explained errors only."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eqspec.cli.errors import render
from eqspec.errors import SpecError
from eqspec.spec.dump import dump_spec, write_yaml
from eqspec.spec.load import parse_spec
from eqspec.spec.model import Spec
from eqspec.spec.source import read_yaml
from tests.strategies import as_spec, dotted_keys, json_values, spec_mappings, specs

FILE = Path("spec.yaml")

LEGAL = (
    """\
schema: 1
about: "Ours(VICReg, all, trans)"   # λ at its default
data: {use: imagenet1k}
augment: {use: all}
backbone: {use: vit_small_patch16}
method: {use: vicreg, with: {embed.width: 512}}
equivariance:
  use: intermediate-reconstruction
  transform: {use: trans}
  lambda: 1.0e-1
  split: 0.5
train:
  length: 800 epochs
  batch: 2048
  optimizer: {impl: adamw, params: {lr: 1.0e-4 per 256}}
evaluate:
- {use: r2, at: end}
- {use: knn, every: 50 epochs}
machine: {workers: 2, compile: off, micro_batches: 4}
compare:
  wide: {method.with.embed.width: 1024, equivariance: none}
""",
    """\
schema: 1
seed: 0x10
data:
  card: dataset
  rev: 1
  facts: &facts {mean: [0.5, 0.5, 0.5]}
backbone: {use: vit, with: {drop: *facts}}
method:
  use: 'mae'
train: {length: 20 steps, batch: 64}
""",
    """\
schema: 1
data: {use: imagenet1k}
augment: null
equivariance: none
backbone:
  use: vit_small_patch16
  init: {weights: dino.pth, part: teacher, partial: false}
keep: {last: 1}
evaluate:
- {use: r2, at: end}
""",
)

SNIPPETS = (
    *("\t", "\n", "  ", "- ", ": ", "? ", "| ", "> ", "# ", "[", "]", "{", "}", ",", "'", '"'),
    *(
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "!x ",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "\\",
        "\x00",
        "\u2028",
    ),
    *("1e-3", "0o17", "0x", ".inf", "9" * 30, "null", "true", "é", "😀", "\ud800", "no", "1: 2"),
)


NEAR_MISSES = (
    *(None, True, 0, 3, -1, 2.5, "", "yes", "2", "3 days", "auto", "mirror", "torch.nn", "r2"),
    *([], [3], {"x": 1}, {"card": "dataset"}, {"impl": "sgd", "parms": {}}),
    {"use": "vit", "init": "timm:vit_small_patch16_224.dino"},
    *({"use": "sie", "split": 0.5, "d_equi": 3}, {"lambda": 0, "split": 0.5, "transfrom": 1}),
)


def survives(text: str, *, overrides: tuple[str, ...] = ()) -> None:
    """Reading gives a spec or a SpecError, and its diagnostics can be drawn."""
    try:
        loaded = parse_spec(text, path=FILE, overrides=overrides)
        diagnostics = loaded.warnings
    except SpecError as error:
        diagnostics = error.diagnostics
    for diagnostic in diagnostics:
        assert diagnostic.code in render([diagnostic], colour=False)


@given(specs)
def test_loading_what_was_dumped_is_the_identity(spec: Spec):
    loaded = parse_spec(dump_spec(spec), path=FILE)
    assert loaded.spec == spec
    assert tuple(loaded.variants) == tuple(spec.compare)


@given(spec_mappings())
def test_a_mapping_means_the_same_from_yaml_and_from_json(mapping: dict[str, object]):
    assert parse_spec(write_yaml(mapping), path=FILE).spec == as_spec(mapping)


@given(json_values)
def test_any_plain_data_comes_back_from_yaml(value: object):
    source = read_yaml(write_yaml({"value": value}), name="data.yaml")
    assert source.problems == ()
    assert json.dumps(source.data) == json.dumps({"value": value})


@given(
    spec_mappings(), st.sampled_from(["seed", "train.batch", "method.with.a.b"]), st.integers(2, 9)
)
def test_an_override_equals_writing_it_into_the_file(
    mapping: dict[str, object], path: str, value: int
):
    mapping["method"] = {"use": "vicreg"}
    mapping["machine"] = {}
    changed = json.loads(json.dumps(mapping))
    section, _, key = path.partition(".")
    if key.startswith("with."):
        changed[section]["with"] = {key.removeprefix("with."): value}
    elif key:
        changed[section][key] = value
    else:
        changed[section] = value
    loaded = parse_spec(write_yaml(mapping), path=FILE, overrides=[f"{path}={value}"])
    assert loaded.spec == as_spec(changed)
    assert loaded.overrides[0].path == path


@given(st.sampled_from(LEGAL), st.data())
def test_damaged_text_raises_nothing_but_our_error(text: str, data: st.DataObject):
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 6))
        insert = data.draw(st.sampled_from(SNIPPETS) | st.text(max_size=4))
        text = text[:start] + insert + text[start + length :]
    survives(text)


@pytest.mark.parametrize("number", range(len(LEGAL)))
def test_a_dropped_letter_raises_nothing_but_our_error(number: int):
    text = LEGAL[number]
    for at in range(number, len(text), len(LEGAL)):
        survives(text[:at] + text[at + 1 :])


@pytest.mark.parametrize("number", range(len(LEGAL)))
def test_every_snippet_on_every_line_raises_nothing_but_our_error(number: int):
    lines = LEGAL[number].splitlines(keepends=True)
    for at, snippet in product(range(len(lines)), SNIPPETS):
        key, colon, value = lines[at].partition(": ")
        survives("".join([*lines[:at], key, colon, snippet, value, *lines[at + 1 :]]))


@pytest.mark.parametrize("number", range(len(LEGAL)))
def test_every_near_miss_for_every_value_raises_nothing_but_our_error(number: int):
    text = LEGAL[number]
    for path, near in product(_paths(read_yaml(text, name="spec.yaml").data), NEAR_MISSES):
        survives(text, overrides=(f"{path}={write_yaml(near)}",))


@given(st.sampled_from(LEGAL), json_values, st.data())
def test_damaged_values_raise_nothing_but_our_error(text: str, value: object, data: st.DataObject):
    legal = read_yaml(text, name="spec.yaml").data
    damaged = data.draw(_with_one_value_replaced(legal, value))
    survives(write_yaml(damaged))


@pytest.mark.parametrize("text", LEGAL)
def test_what_is_damaged_below_is_legal_before(text: str):
    parse_spec(text, path=FILE)


@given(st.text())
def test_any_text_raises_nothing_but_our_error(text: str):
    survives(text)


@given(json_values)
def test_any_data_raises_nothing_but_our_error(value: object):
    survives(write_yaml(value))


@given(
    st.sampled_from(LEGAL),
    st.lists(
        st.text(max_size=12)
        | st.builds("{}={}".format, dotted_keys, st.text(max_size=8))
        | st.builds(
            "{}{}={}".format,
            st.sampled_from(list(Spec.model_fields)),
            st.sampled_from(["", ".", ".0", ".use", ".with.x", ".0.every"]),
            st.sampled_from(SNIPPETS),
        ),
        max_size=3,
    ),
)
def test_any_override_raises_nothing_but_our_error(text: str, overrides: list[str]):
    survives(text, overrides=tuple(overrides))


def _paths(data: object, above: str = "") -> list[str]:
    """Every path into plain data, as an override writes it."""
    if not isinstance(data, (dict, list)):
        return []
    keys = data if isinstance(data, dict) else range(len(data))
    below = [_paths(data[key], f"{above}{key}.") for key in keys]
    return [f"{above}{key}" for key in keys] + [path for paths in below for path in paths]


@st.composite
def _with_one_value_replaced(draw: st.DrawFn, mapping: object, value: object) -> object:
    """The mapping with one value, anywhere in it, replaced, removed, or added under a new key."""
    if isinstance(mapping, dict) and mapping and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(mapping)))
        below = draw(_with_one_value_replaced(mapping[key], value))
        action = draw(st.sampled_from(["replace", "replace", "replace", "remove", "rename"]))
        kept = {k: v for k, v in mapping.items() if k != key or action == "replace"}
        changed = {"replace": {key: below}, "remove": {}, "rename": {f"{key}x": mapping[key]}}
        return {**kept, **changed[action]}
    if isinstance(mapping, list) and mapping:
        return [draw(_with_one_value_replaced(mapping[0], value)), *mapping[1:]]
    return value
