from __future__ import annotations

import math

import pytest

from eqspec.errors import Diagnostic, Location
from eqspec.spec.node import CannotReplace, Entry, Node, dotted
from eqspec.spec.page import Page
from eqspec.spec.reader import MAX_CHARACTERS, MAX_DEPTH, MAX_NODES
from eqspec.spec.scalars import STR, UnfitScalar, scalar
from eqspec.spec.source import Source, read_yaml


def read(text: str) -> Source:
    return read_yaml(text, name="a.yaml")


def only_problem(text: str) -> Diagnostic:
    (problem,) = read(text).problems
    return problem


def under(location: Location) -> str:
    """The text over the carets."""
    return location.excerpt[location.column - 1 : location.end_column - 1]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("+12", 12),
        ("-0", 0),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("12:30:00", "12:30:00"),
        ("2026-11-22", "2026-11-22"),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("True", True),
        ("false", False),
        ("tRue", "tRue"),
        ("~", None),
        ("null", None),
        ("", None),
        ("'1'", "1"),
        ('"null"', "null"),
        ("=", "="),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, value: object):
    data = read(f"key: {written}\n").data
    assert data == {"key": value}
    assert isinstance(data, dict)
    assert type(data["key"]) is type(value)


@pytest.mark.parametrize(
    "written",
    [".inf", "-.INF", ".nan", "1e999", "9223372036854775808", "-1" + "0" * 5000, "0x1" + "0" * 16],
)
def test_numbers_that_json_cannot_hold_are_refused(written: str):
    problem = only_problem(f"key: {written}")
    assert problem.code == "EQ014"
    assert problem.location is not None
    assert under(problem.location) == written


def test_places_of_keys_and_values():
    source = read("a: 1\nb:\n  c: {d: text}  # why\n  e:\n    - x\n    - f: 2\n")
    assert under(source.key(("b", "c"))) == "c"
    assert under(source.value(("b", "c"))) == "{d: text}"
    assert under(source.value(("b", "c", "d"))) == "text"
    assert under(source.key(("b", "e", 1))) == "f: 2"
    location = source.value(("b", "e", 1, "f"))
    assert (location.line, location.column, location.before) == (6, 10, "    - x")
    assert str(location) == "a.yaml:6:10"


def test_a_block_below_its_key_is_shown_by_the_key():
    source = read("a:\n  b: 1\nc:\n")
    assert under(source.value(("a",))) == "a"
    assert under(source.value(("c",))) == "c"


def test_what_is_not_written_has_the_place_of_the_nearest_parent():
    source = read("a:\n  b: 1\n")
    assert source.value(("a", "x", 3, "y")) == source.value(("a",))
    assert source.key(("x",)) == source.key(())
    assert source.get(("a", "b", "c")) is None


def test_columns_count_characters_and_any_line_break_counts_as_one():
    source = read("\ufeffλ: ä\r\nb: 1\u2028c: 2\n")
    assert (source.value(("λ",)).line, source.value(("λ",)).column) == (1, 4)
    assert (source.value(("c",)).line, source.value(("c",)).excerpt) == (3, "c: 2")


def test_a_duplicate_key_shows_both_places_and_the_first_value_stays():
    source = read("a: 1\nb: {x: 1, x: 2}\n")
    (problem,) = source.problems
    assert (problem.code, problem.message) == ("EQ003", "duplicate key `x`")
    assert problem.location is not None
    assert (problem.location.line, problem.location.column) == (2, 11)
    assert [(p.column, reported) for p, reported in problem.also] == [(5, "first set here")]
    assert source.data == {"a": 1, "b": {"x": 1}}


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        ("a: !!str 1", "EQ005", "the tag"),
        ("a: !!python/object:os.system {}", "EQ005", "the tag"),
        ("a: ! x", "EQ005", "the tag"),
        ("a: {<<: {b: 1}}", "EQ005", "merge key"),
        ("1: a", "EQ005", "key that is not a text"),
        ("true: a", "EQ005", "key that is not a text"),
        ("? [a, b]\n: c", "EQ005", "key that is not a text"),
        ("a: &x b\n*x : c", "EQ005", "key that is not a text"),
        ("a: 1\n---\nb: 2", "EQ005", "second document"),
        ("", "EQ007", "the file is empty"),
        ("# only words\n", "EQ007", "the file is empty"),
        ("---\n", "EQ007", "the file is empty"),
        ("a: [1, 2", "EQ004", "not YAML"),
        ("a: 'b", "EQ004", "not YAML"),
        ("a: b: c", "EQ004", "not YAML"),
        ("a:\n\tb: 1", "EQ004", "not YAML"),
        ("a: *nowhere", "EQ004", "no anchor"),
        ("a: &x [*x]", "EQ004", "no anchor"),
        ("a: \x07", "EQ004", "U+0007"),
        ("a: \ud800", "EQ004", "U+D800"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(text: str, code: str, expected: str):
    problem = only_problem(text)
    assert problem.code == code
    assert expected in problem.message
    assert problem.location is not None
    assert problem.location.line <= text.count("\n") + 1


def test_advice_on_tabs_and_colons():
    assert only_problem("a:\n\tb: 1").help == "indent with spaces, not tabs"
    assert "quotes" in (only_problem("a: b: c").help or "")


def test_an_open_bracket_is_shown_where_it_opens():
    ((opened, _),) = only_problem("a: [1,\nb: 2\nc: 3").also
    assert (opened.line, opened.column) == (1, 4)


def test_size_depth_and_what_aliases_expand_to_are_bounded():
    assert only_problem("a" * (MAX_CHARACTERS + 1)).code == "EQ006"
    assert only_problem("[" * 100_000).code == "EQ006"
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH).problems == ()
    assert only_problem("[" + "1," * MAX_NODES + "]").code == "EQ006"
    laughs = "a0: &a0 [x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9)
    )
    assert only_problem(laughs).code == "EQ006"
    chain = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 60))
    assert "deep" in only_problem(chain).message


def test_an_alias_stands_for_its_anchor_and_has_a_place_of_its_own():
    source = read("a: &x {b: 1}\nc: *x\n")
    assert source.data == {"a": {"b": 1}, "c": {"b": 1}}
    assert under(source.value(("c",))) == "*x"


def test_a_prefix_is_shown_and_counted_on_the_first_line_only():
    source = read_yaml("{x: 1,\n y: 2}", name="<cli>:--set #1", prefix="a.b=")
    assert source.value(("x",)).excerpt == "a.b={x: 1,"
    assert source.value(("x",)).column == 9
    assert source.value(("y",)).column == 5


def test_grafting_replaces_makes_and_refuses():
    source = read("a: {b: 1}\nl: [1, 2]\nn:\n")
    entry = Entry(Location("<cli>", 1, 1, 2, "x"), Node(Location("<cli>", 1, 3, 4, "x=9"), 9))
    assert source.graft(("a", "b"), entry).data == {"a": {"b": 9}, "l": [1, 2], "n": None}
    assert source.graft(("n", "c", "d"), entry).get(("n", "c", "d")) == entry.node
    assert source.graft(("l", 1), entry).get(("l",)) != source.get(("l",))
    assert source.graft(("a", "b"), entry).key(("a", "b")).file == "<cli>"
    assert source.data == {"a": {"b": 1}, "l": [1, 2], "n": None}
    with pytest.raises(CannotReplace, match="is `1`, which has no part `c`"):
        source.graft(("a", "b", "c"), entry)
    assert source.graft(("l", 2), entry).data == {"a": {"b": 1}, "l": [1, 2, 9], "n": None}
    for part in (3, "x"):
        with pytest.raises(CannotReplace, match="its entries: 0 to 1"):
            source.graft(("l", part), entry)
    with pytest.raises(CannotReplace, match="its entries: 0 to 1"):
        source.graft(("l", 2, "x"), entry)


def test_paths_read_as_people_write_them():
    assert dotted(("evaluate", 0, "with", "a.b")) == "evaluate[0].with.a.b"


def test_half_a_surrogate_pair_is_refused_by_either_parser():
    assert only_problem('a: "\\ud800"').code in {"EQ004", "EQ014"}


def test_what_only_the_pure_parser_lets_through_is_refused():
    with pytest.raises(UnfitScalar, match="surrogate"):
        scalar(STR, "\ud800")
    assert Page("a: 1", name="a.yaml").mark(None).excerpt == "a: 1"


def test_floats_are_read_to_the_last_bit():
    assert read("a: 0.1000000000000000055511151231257827").data == {"a": 0.1}
    assert read("a: 5e-324").data == {"a": math.ulp(0.0)}
