"""Laws of the second pass, and of what it reads: damage ends in diagnostics, whatever it meets.

With test_spec_loading these are the fuzz corpus whose coverage `make fuzz-coverage` measures.
"""

from __future__ import annotations

import math
import os
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from eqspec.cli.errors import render
from eqspec.cli.render.github import workflow_commands
from eqspec.commands.explain.schema_fields import field_of, field_paths
from eqspec.compile.lookup.look_up import look_up
from eqspec.compile.rules.spec import across_cards
from eqspec.errors import Diagnostic, SpecError
from eqspec.registry.catalog import Catalog, open_catalog
from eqspec.spec.axes import axes, find_axis
from eqspec.spec.dump import inline_yaml, write_yaml
from eqspec.spec.duration import Clock, Duration
from eqspec.spec.load import load_spec, read_spec_text
from eqspec.spec.model import identity_fields
from eqspec.spec.names import is_file_name
from eqspec.spec.rate import Rate
from eqspec.spec.schema import json_schema
from eqspec.spec.source import read_yaml
from eqspec.spec.use import OpCall, RecipeCall
from tests.strategies import durations, json_values, rates

FILE = Path("spec.yaml")

LEGAL = """\
schema: 1
image: 32
data: {use: photos}
augment: {use: photos_light, with: {global.views.0.crop.scale: [0.5, 1.0]}}
backbone: {use: vit_micro_patch8, with: {patch: 8}}
method: {use: vicreg, with: {embed.width: 64, projector.widths: [64, 64]}}
equivariance: {use: intermediate-reconstruction, transform: {use: rot}, d_equi: 32}
train:
  length: 20 steps
  batch: 64
  optimizer: {impl: adamw, params: {lr: 1.0e-4 per 256, weight_decay: 0.05}}
  schedule: {impl: warmup_cosine, params: {warmup: 2 steps}}
evaluate: [{use: r2, at: end, with: {epochs: 3, families: {rot: {use: rot}}}}]
keep: {last: 2}
"""

UNTRAINED = """\
schema: 1
data: {use: photos}
backbone: {use: vit_micro_patch8, init: x.pth}
evaluate: [{use: r2, every: 2 steps}]
"""

MISSES = (
    *(None, True, 0, 3, -1, 7, 2.5, 1e300, "", "photoz", "1.0e-4 per 0", "2.0e-3 per sqrt 1024"),
    *("1 per 256", "1e999 per 4", "5", "1 epoch", "../photos", "torch.nn", "end", "none"),
    *([], [3], [1, 0], [0.5, 1], ["x"], {"x": 1}, {"use": "sie"}, {"use": "vicreg", "with": 3}),
    *({"card": "dataset"}, {"card": "method", "rev": 1}, {"impl": "adamw"}, {"impl": "nope"}),
    *({"impl": "sgd", "params": {"lr": "fast"}}, {"use": {"card": "transform"}}, [{"use": "rot"}]),
)


@cache
def catalog() -> Catalog:
    return open_catalog()


def second_pass(text: str, *, overrides: tuple[str, ...] = ()) -> tuple[Diagnostic, ...]:
    """Everything that is said of a text, drawn in every way."""
    reading = read_spec_text(text, path=FILE, overrides=overrides)
    found = list(reading.diagnostics)
    for evaluated in (reading.own, *reading.variants.values()):
        looked = look_up(evaluated.source, catalog())
        found += [*looked.problems, *across_cards(looked)]
    for diagnostic in found:
        assert diagnostic.code in render([diagnostic], colour=False)
        assert workflow_commands([diagnostic]).count("\n") == 0
    return tuple(found)


def test_what_is_damaged_here_is_legal_before():
    assert second_pass(LEGAL) == ()


@pytest.mark.parametrize("start", range(len(MISSES) // 16))
def test_misses_for_every_value_end_in_diagnostics(start: int):
    """Every value meets one miss of each start, another one than its neighbour's."""
    for at, path in enumerate(_paths(read_yaml(LEGAL, name="spec.yaml").data)):
        miss = MISSES[(start * 16 + at) % len(MISSES)]
        second_pass(LEGAL, overrides=(f"{path}={write_yaml(miss)}",))


@pytest.mark.parametrize("line", range(LEGAL.count("\n")))
def test_a_missing_or_damaged_line_ends_in_diagnostics(line: int):
    lines = LEGAL.splitlines(keepends=True)
    for instead in ("", "\t" + lines[line], lines[line].replace(": ", " ", 1), lines[line] * 2):
        second_pass("".join([*lines[:line], instead, *lines[line + 1 :]]))


@given(st.lists(st.tuples(st.integers(0, len(LEGAL)), st.text(max_size=3)), max_size=4))
def test_damaged_text_ends_in_diagnostics(damages: list[tuple[int, str]]):
    text = LEGAL
    for at, insert in damages:
        text = text[:at] + insert + text[at + 1 :]
    second_pass(text)


@given(st.binary(max_size=40) | st.text(max_size=20).map(str.encode))
def test_any_file_is_read_or_explained(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    path = tmp_path_factory.mktemp("any") / "spec.yaml"
    path.write_bytes(content)
    for location in (path, path.parent, path.with_name("spce.yaml"), Path("\0")):
        with pytest.raises(SpecError) as caught:
            load_spec(location)
        assert all(d.code in render([d], colour=False) for d in caught.value.diagnostics)


def test_a_file_without_end_is_refused(tmp_path: Path):
    path = tmp_path / "long.yaml"
    path.write_bytes(b"#" * 4_000_001)
    with pytest.raises(SpecError, match="too long"):
        load_spec(path)


def test_a_pipe_is_refused(tmp_path: Path):
    os.mkfifo(tmp_path / "spec.yaml")
    with pytest.raises(SpecError, match="pipe"):
        load_spec(tmp_path / "spec.yaml")


@pytest.mark.parametrize("card", ["{use: vit_micro_patch8, with: {patch: 8}}", "vit_micro_patch8"])
def test_what_was_set_last_is_shown_where_values_do_not_fit(card: str):
    text = LEGAL.replace("{use: vit_micro_patch8, with: {patch: 8}}", card)
    reported = second_pass(text, overrides=("backbone.with.heads=5",))
    assert any(d.location is not None and d.location.file.startswith("<") for d in reported)


@given(rates, durations, st.integers(2, 10**6))
def test_rates_and_durations_come_back_from_their_text(rate: Rate, lasts: Duration, batch: int):
    again = Rate.parse(str(rate)) if rate.rule != "constant" else Rate(float(str(rate)))
    assert again == rate
    assert again.at(batch) >= 0
    assert Duration.parse(str(lasts)) == lasts
    assert TypeAdapter(Duration).validate_python(lasts) is lasts
    assert TypeAdapter(Rate).validate_python(rate) is rate
    clock = Clock.lasting(lasts, steps_per_epoch=7, batch=batch)
    assert clock.total == clock.steps(lasts) >= 0


@given(st.text(max_size=12) | st.floats().map(repr) | st.integers().map(str))
def test_what_is_no_rate_or_duration_is_refused(text: str):
    reported: list[str] = []
    for parse in (Rate.parse, Duration.parse):
        try:
            parse(text)
        except ValueError as error:
            reported.append(str(error))
    assert all("write" in words for words in reported)


@given(st.floats(), st.integers(-3, 3))
def test_numbers_that_are_no_rate_or_duration_cannot_be_made(value: float, count: int):
    if value < 0 or count < 1 or math.isnan(value):
        with pytest.raises(ValueError, match="not a rate"):
            Rate(value, count)
    if count < 0:
        with pytest.raises(ValueError, match="not a duration"):
            Duration(count, "steps")


@given(st.text(max_size=20) | st.sampled_from(field_paths()))
def test_any_path_is_an_axis_or_none(text: str):
    axis = find_axis(text)
    assert axis is None or axis.path.partition(".")[0] in identity_fields()
    assert field_of(tuple(text.split("."))) is not None or text not in field_paths()


def test_every_axis_leads_somewhere():
    for name, axis in axes().items():
        assert find_axis(name) == find_axis(axis.path) == axis
    assert json_schema()["$schema"]


@given(json_values)
@example({"\n": None})
@example("a\n\nb")
@example(["\n"])
@example("a\nb\u2028c")
def test_any_plain_data_comes_back_from_one_line(value: object):
    text = inline_yaml(value)
    assert len(text.splitlines()) == 1
    assert read_yaml(f"a: {text}", name="data.yaml").data == {"a": value}


def _paths(data: object, above: str = "") -> list[str]:
    """Every path into plain data, as an override writes it."""
    if not isinstance(data, (dict, list)):
        return []
    keys = data if isinstance(data, dict) else range(len(data))
    found = [f"{above}{key}" for key in keys]
    return found + [
        inner for key, path in product(keys, [0]) for inner in _paths(data[key], f"{above}{key}.")
    ]


EXTREMES = (
    *("x" * 1_000_001, "[" * 60, f"a: [{'1,' * 10_001}]", "a: *b", "a: &b [*b]", "? [1]: 2"),
    *("a: 0x" + "f" * 20, "a: " + "9" * 30, "a: .nan", "a: 1e999", 'a: "\\ud800"', "a: !!int 3"),
    *(
        "a: 'x",
        "a: b: c",
        "\ta: 1",
        "a: 1\n\tb: 2",
        "a: {b: 1",
        "%YAML 9.9\n---\na: 1",
        "<<: {a: 1}",
    ),
    LEGAL.replace("d_equi: 32", "d_equi: 32, split: 0.5, lambda: 0"),
    LEGAL.replace("at: end", "at: end, every: 2 steps"),
    LEGAL.replace("at: end, ", ""),
    LEGAL.replace("d_equi: 32", "images: true"),
    LEGAL.replace("batch: 64", "batch: 1"),
    LEGAL + "machine: {micro_batches: 3, workers: -1, compile: off}\n",
    LEGAL + "compare: {base: {equivariance: none}, B: 3, c: {compare.x: 1}}\n",
    LEGAL.replace("with: {patch: 8}", "init: x.pth") + "init_from: elsewhere\n",
    UNTRAINED,
)
"""What is larger, deeper or odder than chance would make it."""


@pytest.mark.parametrize("number", range(len(EXTREMES)))
def test_extremes_end_in_diagnostics(number: int):
    text = EXTREMES[number]
    overrides = ("seed", "train..x=1", "evaluate.7.at=end", "seed=[1") if number % 2 else ()
    assert second_pass(text, overrides=overrides) or "compile: off" not in text


@given(st.text(alphabet="a./\0", max_size=4))
def test_a_file_name_is_one_component_of_a_path(name: str):
    one = (Path("folder") / name).parts == ("folder", name)
    assert is_file_name(name) == (one and name != ".." and "\0" not in name)


_PARAMS = st.dictionaries(st.sampled_from(["lr", "warmup", "momentum"]), st.integers(0, 9))


@given(st.none() | st.sampled_from(["adamw", "sgd"]), _PARAMS, st.none() | _PARAMS)
def test_a_partial_call_is_laid_over_the_recipe(
    impl: str | None, own: dict[str, int], recipe: dict[str, int] | None
):
    base = None if recipe is None else OpCall.model_validate({"impl": "lars", "params": recipe})
    found = RecipeCall.model_validate({"impl": impl, "params": own}).over(base)
    if impl is None and base is None:
        assert found is None
        return
    assert found is not None
    expected = own if impl is not None else {**(recipe or {}), **own}
    assert (found.call.impl, found.call.params) == (impl or "lars", expected)
