from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.errors import Diagnostic, Severity, SpecError
from eqspec.spec.load import LoadedSpec, load_spec, parse_spec
from eqspec.spec.model import EquivarianceSpec

HEAD = """\
schema: 1
data: {use: photos}
backbone: {use: vit}
method: {use: vicreg, with: {embed.width: 512}}
train: {length: 20 steps, batch: 64}
"""
PATH = """\
equivariance:
  use: intermediate-reconstruction
  transform: {use: rot}
"""


def load(text: str, *overrides: str) -> LoadedSpec:
    return parse_spec(text, path=Path("a.yaml"), overrides=overrides)


def problems(text: str, *overrides: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        load(text, *overrides)
    return caught.value.diagnostics


def only_problem(text: str, *overrides: str) -> Diagnostic:
    (problem,) = problems(text, *overrides)
    return problem


def test_a_spec_is_read_from_its_file(tmp_path: Path):
    path = tmp_path / "x.yaml"
    path.write_text(HEAD)
    loaded = load_spec(path)
    assert (loaded.path, loaded.overrides, loaded.warnings) == (path, (), ())
    assert loaded.spec.train.batch == 64
    assert loaded.source.value(("train", "batch")).line == 5


def test_a_missing_file_is_explained(tmp_path: Path):
    (tmp_path / "quickstart.yaml").write_text(HEAD)
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / "quikstart.yaml")
    (problem,) = caught.value.diagnostics
    assert problem.code == "EQ009"
    assert problem.help == f"did you mean `{tmp_path / 'quickstart.yaml'}`?"


@pytest.mark.parametrize(
    ("content", "code"), [(b"a: \xff\xfe", "EQ009"), (b"#" * 4_000_001, "EQ006"), (b"", "EQ007")]
)
def test_a_file_that_is_no_text_is_explained(tmp_path: Path, content: bytes, code: str):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_a_folder_and_an_impossible_name_are_explained(tmp_path: Path):
    for path in (tmp_path, "a\0b", "a" * 300 + "/b.yaml"):
        with pytest.raises(SpecError) as caught:
            load_spec(path)
        assert [d.code for d in caught.value.diagnostics] == ["EQ009"]


def test_everything_is_reported_at_once_and_in_order():
    text = (
        HEAD.replace("seed", "")
        + "seed: x\nseed: 1\nmachin: {}\n"
        + PATH
        + "  split: 2\n  d_equi: 1\n"
    )
    found = [(d.location.line, d.code) for d in problems(text, "image=1", "oops") if d.location]
    assert found == [
        (6, "EQ011"),
        (7, "EQ003"),
        (8, "EQ001"),
        (12, "EQ012"),
        (13, "EQ020"),
        (1, "EQ012"),
        (1, "EQ008"),
    ]


def test_split_and_d_equi_exclude_one_another():
    problem = only_problem(HEAD + PATH + "  d_equi: 4\n  split: 0.5\n")
    assert problem.code == "EQ020"
    assert problem.location is not None
    assert (problem.location.line, [p.line for p, _ in problem.also]) == (9, [10])
    loaded = load(HEAD + PATH + "  d_equi: 4\n  split: null\n")
    assert isinstance(loaded.spec.equivariance, EquivarianceSpec)
    assert loaded.spec.equivariance.d_equi == 4


def test_a_split_that_nothing_trains_is_warned_of():
    (warning,) = load(HEAD + PATH + "  lambda: 0\n  split: 0.5\n").warnings
    assert (warning.code, warning.severity) == ("EQ501", Severity.WARNING)
    assert [p.line for p, _ in warning.also] == [10]
    assert load(HEAD + PATH + "  lambda: 0.1\n  split: 0.5\n").warnings == ()


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{use: r2}", "EQ002"),
        ("{use: r2, at: end, every: 1 epoch}", "EQ020"),
        ("{use: r2, at: null}", "EQ002"),
    ],
)
def test_an_evaluation_says_when_exactly_once(entry: str, code: str):
    assert only_problem(HEAD + f"evaluate: [{entry}]\n").code == code


def test_the_pieces_of_a_batch_are_equal():
    problem = only_problem(HEAD + "machine: {micro_batches: 6}\n")
    assert problem.code == "EQ021"
    assert [p.excerpt for p, _ in problem.also] == ["train: {length: 20 steps, batch: 64}"]
    assert load(HEAD + "machine: {micro_batches: 4}\n").spec.machine.micro_batches == 4


def test_rules_run_although_other_fields_failed_and_bear_wrong_kinds():
    text = HEAD.replace("64", "big") + "machine: {micro_batches: true}\nevaluate: {at: end}\n"
    assert {d.code for d in problems(text)} == {"EQ011"}
    assert [d.code for d in problems(HEAD + "evaluate: [3]\nseed: x\n")] == [
        "EQ002",
        "EQ011",
        "EQ011",
    ]


def test_overrides_replace_add_and_are_remembered():
    loaded = load(
        HEAD + "evaluate: [{use: r2, at: end}]\n",
        *("train.batch=128", "train.batch=256", "method.with.embed.width=8", "augment=null"),
        *("evaluate.0.use=knn", "machine.compile=off", "about=a = b"),
    )
    spec = loaded.spec
    assert (spec.train.batch, spec.machine.compile, spec.about) == (256, "off", "a = b")
    assert spec.method.model_dump(by_alias=True) == {"use": "vicreg", "with": {"embed.width": 8}}
    assert spec.evaluate[0].use == "knn"
    assert [(o.name, o.path) for o in loaded.overrides][1:3] == [
        ("<cli>:--set #2", "train.batch"),
        ("<cli>:--set #3", "method.with.embed.width"),
    ]
    assert str(loaded.source.value(("train", "batch"))) == "<cli>:--set #2:1:13"
    assert loaded.source.value(("train", "length")).file == "a.yaml"


@pytest.mark.parametrize(
    ("override", "code", "column"),
    [
        ("train.batch", "EQ008", 1),
        ("train..batch=1", "EQ008", 1),
        ("=1", "EQ008", 1),
        ("machine.0.x=r2", "EQ001", 1),
        ("schema.x=1", "EQ008", 1),
        ("seed=", "EQ007", 6),
        ("seed=[", "EQ004", 7),
        ("seed=.inf", "EQ014", 6),
        ("seed=1e-3", "EQ011", 6),
        ("trian.batch=1", "EQ001", 1),
        ("equivariance.split=0.5", "EQ002", 1),
    ],
)
def test_errors_of_overrides_point_at_the_argument(override: str, code: str, column: int):
    found = [d for d in problems(HEAD, override) if d.code == code]
    assert [(d.location.file, d.location.column) for d in found if d.location] == [
        ("<cli>:--set #1", column)
    ]


def test_a_path_through_a_text_or_past_a_list_shows_what_is_in_the_way():
    problem = only_problem(HEAD + "equivariance: none\n", "equivariance.lambda=3")
    assert problem.message == "`equivariance` is `none`, which has no part `lambda`"
    assert [p.line for p, _ in problem.also] == [6]
    problem = only_problem(HEAD + "evaluate: []\n", "evaluate.0.at=end")
    assert "none, it is empty" in problem.message


def test_variants_are_specs_of_their_own():
    wide = "{method.with.embed.width: 9, train.batch: 8}"
    compare = f"compare:\n  base: {{equivariance: none}}\n  wide: {wide}\n"
    loaded = load(HEAD + PATH + compare, "train.batch=32", "compare.wide.seed=7")
    assert tuple(loaded.variants) == ("base", "wide")
    base, wide = loaded.variants["base"], loaded.variants["wide"]
    assert (base.spec.equivariance, base.spec.train.batch) == ("none", 32)
    assert (wide.spec.train.batch, wide.spec.seed, wide.spec.compare) == (8, 7, {})
    assert wide.source.value(("train", "batch")).line == 11
    assert isinstance(wide.spec.equivariance, EquivarianceSpec)


def test_controls_are_the_plain_method_and_the_same_views_without_the_loss():
    loaded = load(HEAD + PATH + "  split: 0.5\ncompare: controls\n")
    assert tuple(loaded.variants) == ("plain", "lambda0")
    assert loaded.variants["plain"].spec.equivariance == "none"
    unasked = loaded.variants["lambda0"].spec.equivariance
    assert isinstance(unasked, EquivarianceSpec)
    assert isinstance(loaded.spec.equivariance, EquivarianceSpec)
    assert unasked == loaded.spec.equivariance.model_copy(update={"lambda_": 0.0})
    assert loaded.variants["lambda0"].warnings == (), "λ = 0 is the point of it"


def test_another_word_for_the_variants_is_refused():
    problem = only_problem(HEAD + "compare: control\n")
    assert problem.help == "did you mean `controls`?"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ("{equivariance.d_equi: 4}", "EQ020"),
        ("{trian.batch: 4}", "EQ001"),
        ("{train: {batch: 4}}", "EQ002"),
        ("{seed.x: 4}", "EQ008"),
        ("{compare.x.seed: 4}", "EQ008"),
        ("{'': 4}", "EQ008"),
        ("3", "EQ011"),
    ],
)
def test_what_is_wrong_with_a_variant_is_shown_in_it_and_once(changes: str, code: str):
    text = HEAD + "seed: 1\n" + PATH + f"  split: 0.5\ncompare:\n  other: {changes}\n"
    problem = only_problem(text)
    assert problem.code == code
    assert problem.location is not None
    assert problem.location.line == 12


def test_what_is_wrong_with_the_spec_is_not_repeated_for_its_variants():
    assert len(problems(HEAD + "sead: 1\ncompare: {a: {seed: 1}, b: {seed: 2}}\n")) == 1


def test_the_name_of_a_variant_is_bare():
    problem = only_problem(HEAD + "compare: {'a b': {seed: 1}}\n")
    assert problem.message == "`compare.a b`: `a b` is not a bare name"
