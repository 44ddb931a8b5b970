"""The exact text of a few error messages: what a person sees is reviewed like code."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from eqspec.cli.errors import render, render_error
from eqspec.errors import Diagnostic, Location, Severity, SpecError, UsageError
from eqspec.spec.load import parse_spec
from tests.command_line import ask
from tests.toy_specs import PATH, toy_text

BAD = """\
schema: 1
data: {use: photos}
backbone: {use: vit}
method: {use: vicreg}
train: {length: 20, batch: 64}
equivariance:
  use: intermediate-reconstruction
  transform: {use: rot}
  lamda: 30
  split: 0.5
  d_equi: 64
"""

DRAWN = """\
    error[EQ011]: `train.length` must be a duration such as `10 epochs`, not the number `20`
     --> bad.yaml:5:17
      |
    4 | method: {use: vicreg}
    5 | train: {length: 20, batch: 64}
      |                 ^^ expected a duration such as `10 epochs`
      |
      = help: add a unit: `20 steps`, `20 epochs` or `20 samples`

    error[EQ001]: unknown key `equivariance.lamda`
     --> bad.yaml:9:3
      |
    8 |   transform: {use: rot}
    9 |   lamda: 30
      |   ^^^^^ not a key here
      |
      = help: did you mean `lambda`?
      = note: allowed: use, transform, images, lambda, split, d_equi, border, reduction, with

    error[EQ020]: `equivariance.d_equi` and `equivariance.split` exclude one another
      --> bad.yaml:11:3
       |
    10 |   split: 0.5
    11 |   d_equi: 64
       |   ^^^^^^ not both
      ::: bad.yaml:10:3
       |
     9 |   lamda: 30
    10 |   split: 0.5
       |   ^^^^^ `split` is set here
       |
       = help: delete one: `split` is a share of the features, `d_equi` their number

    error[EQ010]: `machine.compile` cannot be `of`
     --> <cli>:--set #1:1:17
      |
    1 | machine.compile=of
      |                 ^^ not known here
      |
      = help: did you mean `off`?
      = note: allowed: auto, on, off

    4 errors in bad.yaml, <cli>:--set #1. Nothing was run."""


def test_several_errors_of_a_spec():
    with pytest.raises(SpecError) as caught:
        parse_spec(BAD, path=Path("bad.yaml"), overrides=["machine.compile=of"])
    assert render(caught.value.diagnostics, colour=False) == textwrap.dedent(DRAWN)
    assert render_error(caught.value, colour=False) == textwrap.dedent(DRAWN)


def test_colour_changes_nothing_but_colour():
    with pytest.raises(SpecError) as caught:
        parse_spec(BAD, path=Path("bad.yaml"))
    coloured = render(caught.value.diagnostics, colour=True)
    assert "\x1b[1;31merror[EQ001]\x1b[0m" in coloured
    plain = "".join(
        part.partition("m")[2] if i else part for i, part in enumerate(coloured.split("\x1b["))
    )
    assert plain == render(caught.value.diagnostics, colour=False)


def test_a_warning_does_not_say_that_nothing_was_run():
    warning = Diagnostic("EQ504", "no compiler", severity=Severity.WARNING, help="none needed")
    assert render([warning], colour=False) == (
        "warning[EQ504]: no compiler\n = help: none needed\n\n1 warning."
    )


def test_an_error_without_diagnostics():
    error = UsageError("no run `x`", help="`eqspec run SPEC` makes one")
    assert (
        render_error(error, colour=False)
        == "error: no run `x`\n = help: `eqspec run SPEC` makes one"
    )


def test_long_lines_are_cut_around_the_caret_and_wide_letters_counted_twice():
    line = "a" * 500 + "幅" * 3 + "XY" + "b" * 500
    drawn = render([Diagnostic("EQ001", "m", Location("f", 1, 504, 506, line))], colour=False)
    excerpt, carets = drawn.split("\n")[3:5]
    assert len(excerpt) == 4 + 120
    assert carets.index("^") == excerpt.index("X") + 3
    assert carets.strip("| ") == "^^"


def test_a_text_cannot_drive_the_terminal():
    hostile = Diagnostic(
        "EQ001", "\x1b[2J", Location("f\x07", 1, 2, 3, "\ta\x1b]0;x\x07"), label="\r"
    )
    for colour in (False, True):
        drawn = render([hostile], colour=colour)
        assert not {"\x07", "\r", "\t"} & set(drawn)
        assert "\x1b[2J" not in drawn
        assert "\x1b]" not in drawn


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("lambda", "`equivariance.lambda`"),
        ("lamda", "`equivariance.lambda`"),
        ("Batch", "`train.batch`"),
        ("lr", "`train.optimizer.params.lr`"),
        ("train.lr", "`train.optimizer.params.lr`"),
        ("transform", "`equivariance.transform`"),
        ("rewrite", "`equivariance.use`"),
        ("workers", "`machine.workers`"),
        ("images", "`image` or `equivariance.images`"),
        ("weights", "`backbone.init.weights` or `init_from.weights`"),
        ("seeds", "`seed`"),
        ("equivariance.lamda", "`lambda`"),
        ("with", None),
        ("zzz", None),
    ],
)
def test_a_key_that_belongs_deeper_is_suggested_with_its_path(key: str, meant: str | None) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(toy_text("vicreg", equivariance=PATH), path=Path("a"), overrides=[f"{key}=1"])
    (problem,) = caught.value.diagnostics
    assert problem.help == (f"did you mean {meant}?" if meant else None)


def test_a_path_is_suggested_for_a_key_of_a_file_of_a_variant_and_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = toy_text("vicreg", equivariance=PATH)
    Path("right.yaml").write_text(text)
    Path("wrong.yaml").write_text(f"{text}lambda: 1\ncompare: {{base: {{lambda: 2}}}}\n")
    for argv, count in ((("wrong.yaml",), 2), (("right.yaml", "--set", "lambda=1"), 1)):
        answer = ask("check", *argv)
        assert answer.status == 2
        assert answer.err.count("= help: did you mean `equivariance.lambda`?") == count
