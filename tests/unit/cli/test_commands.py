"""Tests of read-only commands: exit status, stdout and stderr."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from eqspec.cli.main import main
from eqspec.registry.places import registry_root
from tests.command_line import Answer
from tests.toy_specs import PATH, SIE, toy_text

if TYPE_CHECKING:
    from pathlib import Path

WRONG = """\
schema: 1
data: {use: photoz}
backbone: {use: vit_micro_patch8}
method: {use: vicreg, with: {embd.width: 32}}
train: {length: 3 steps, batch: 2}
"""

WRONG_SAYS = """\
error[EQ010]: no card `photoz` in registry/datasets/
 --> wrong.yaml:2:13
  |
1 | schema: 1
2 | data: {use: photoz}
  |             ^^^^^^
  |
  = help: did you mean `photos`? there are: {datasets}

error[EQ001]: `vicreg` has no part `embd`
 --> wrong.yaml:4:30
  |
3 | backbone: {use: vit_micro_patch8}
4 | method: {use: vicreg, with: {embd.width: 32}}
  |                              ^^^^^^^^^^ not a part of this card
  |
  = help: did you mean `embed`? there are: encoder, embed, projector, invariance, variance, \
covariance, global, recipe

2 errors in wrong.yaml. Nothing was run.
next: eqspec explain EQ010
"""

OVERRIDDEN_SAYS = """\
error[EQ011]: `train.batch` must be a whole number, not the text `many`
 --> <cli>:--set #2:1:13
  |
1 | train.batch=many
  |             ^^^^ expected a whole number

1 error in <cli>:--set #2. Nothing was run.
next: eqspec explain EQ011
"""


Ask = Callable[..., Answer]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Runs a command beside a wrong spec and some right ones."""
    monkeypatch.chdir(tmp_path)
    for name in ("EQSPEC_DEBUG", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "wrong.yaml").write_text(WRONG)
    (tmp_path / "right.yaml").write_text(
        toy_text("vicreg", equivariance=PATH, extra="compare: {base: {equivariance: none}}")
    )
    (tmp_path / "sie.yaml").write_text(toy_text("vicreg_sie", equivariance=SIE))
    for method in ("ibot", "dinov2", "mae", "ijepa", "mocov3"):
        (tmp_path / f"{method}.yaml").write_text(toy_text(method))

    def asked(*argv: str) -> Answer:
        status = main(list(argv))
        out, err = capsys.readouterr()
        return Answer(status, out, err)

    return asked


@pytest.mark.parametrize("command", ["check", "plan", "run"])
def test_a_wrong_spec_is_explained_on_stderr(ask: Ask, command: str) -> None:
    names = sorted(path.stem for path in (registry_root() / "datasets").glob("*.yaml"))
    says = WRONG_SAYS.replace("{datasets}", ", ".join(names))
    assert ask(command, "wrong.yaml") == Answer(2, "", says)


def test_a_wrong_argument_is_shown_like_a_wrong_line(ask: Ask) -> None:
    answer = ask("check", "right.yaml", "--set", "seed=1", "--set", "train.batch=many")
    assert answer == Answer(2, "", OVERRIDDEN_SAYS)


@pytest.mark.parametrize(
    ("argv", "expected", "then"),
    [
        (["check", "nowhere.yaml"], "`nowhere.yaml` cannot be read", "eqspec list specs"),
        (["check"], "Missing argument 'SPEC'", "eqspec check --help"),
        (["chek", "right.yaml"], "Did you mean 'check'", "eqspec --help"),
        (["run", "right.yaml", "--steps", "0"], "'--steps'", "eqspec run --help"),
        (["list", "thods"], "did you mean `methods`?", "eqspec list"),
        (["show", "vicrg"], "did you mean `vicreg`", "eqspec list"),
        (["show", "rot", "--family", "heads"], "in the family `heads`", "eqspec list"),
    ],
)
def test_misuse_is_status_2_and_ends_with_what_to_do(
    ask: Ask, argv: list[str], expected: str, then: str
) -> None:
    answer = ask(*argv)
    assert (answer.status, answer.out) == (2, "")
    assert expected in answer.err
    assert answer.last == f"next: {then}"


def test_a_traceback_is_shown_on_request_only(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Traceback" not in ask("show", "nothing").err
    monkeypatch.setenv("EQSPEC_DEBUG", "1")
    answer = ask("show", "nothing")
    assert answer.status == 2
    assert "Traceback (most recent call last)" in answer.err


def test_a_right_spec_is_a_line_per_plan(ask: Ask) -> None:
    answer = ask("check", "right.yaml")
    base, own = answer.out.splitlines()
    assert base.startswith(
        "ok  right-base  vicreg · inline-backbones · photos 32 px · 4 steps × 8 · "
    )
    assert own.startswith("ok  right       vicreg + intermediate-reconstruction(rot) · ")
    assert (answer.status, answer.last) == (0, "next: eqspec plan right.yaml")
    assert "1 warning in right.yaml" in answer.err  # shorter than its warm-up


def test_check_as_json(ask: Ask) -> None:
    right, wrong = ask("check", "right.yaml", "--json"), ask("check", "wrong.yaml", "--json")
    assert (right.status, wrong.status) == (0, 2)
    assert [p["name"] for p in json.loads(right.out)["plans"]] == ["right-base", "right"]
    found = json.loads(wrong.out)["diagnostics"]
    assert [(d["code"], d["line"], d["column"]) for d in found] == [
        ("EQ010", 2, 13),
        ("EQ001", 4, 30),
    ]


def test_the_next_command_means_the_same_spec(ask: Ask) -> None:
    answer = ask("plan", "right.yaml", "--set", "train.length=9 steps", "--runs", "r", "--no-trace")
    assert answer.last == "next: eqspec run right.yaml --set 'train.length=9 steps' --runs r"


@pytest.mark.parametrize("name", ["right", "sie", "ibot", "dinov2", "mae", "ijepa", "mocov3"])
def test_a_plan_fits_a_hundred_columns(ask: Ask, name: str) -> None:
    page = ask("plan", f"{name}.yaml", "--no-trace").out
    assert max(map(len, page.splitlines())) <= 100
    for title in ("views", "graph", "training", "runs"):
        assert f"\n{title}\n" in page


def test_a_plan_shows_the_cut_the_split_and_the_added_term(ask: Ask) -> None:
    lines = [
        " ".join(line.split()) for line in ask("plan", "right.yaml", "--no-trace").out.splitlines()
    ]
    assert "loss the whole batch at once, cut from encode at tokens" in lines
    assert "z [V=2, B, N=17, D=16] z.whole[0:16], the invariant part" in lines
    assert "z.equi [V=2, B, N=17, D=16] z.whole[16:32], the equivariant part" in lines
    added = lines.index("added to the loss, by the rewrite")
    assert lines[added + 1] == "recon × 1 mse(x=made, y=between)"
    assert any(line.startswith("right-base runs/right-base/") for line in lines)


def test_a_margin_reports_the_remaining_part_of_the_crop(ask: Ask) -> None:
    argv = ("plan", "right.yaml", "--no-trace", "--set", "equivariance.border=canvas")
    text = " ".join(ask(*argv).out.split())
    assert "centre of a canvas of 46 px" in text
    assert "the view then shows 0.25 to 0.484 of the area" in text


def test_plan_writes_what_would_run(ask: Ask, tmp_path: Path) -> None:
    answer = ask("plan", "right.yaml", "--no-trace", "--json", "-o", "right.plan")
    written = json.loads((tmp_path / "right.plan").read_text())
    shown = json.loads(answer.out)
    assert written["plan"] == shown["plan"]
    assert list(written["variants"]) == ["base"]
    assert shown["trace"] is None
    assert shown["state"] == "new"
    assert [v["plan"]["name"] for v in shown["variants"]] == ["right-base"]
    assert not (tmp_path / "runs").exists()


def test_a_list_in_a_pipe_is_a_line_per_name(ask: Ask) -> None:
    title, header, *rows = ask("list", "transforms").out.splitlines()
    assert title == "transforms  `transform: {use: NAME}` in `equivariance:`"
    assert header.split() == ["name", "rev", "paper", "about"]
    names = [row.split()[0] for row in rows]
    assert names == sorted(names)
    assert {"blur", "color", "rot", "se2", "trans"} <= set(names)


def test_methods_are_listed_with_what_they_may_carry(ask: Ask) -> None:
    """With paper, rev and status: SIE and EquiMod are methods to who looks for them."""
    entries = json.loads(ask("list", "methods", "--json").out)
    kinds = {entry["name"]: entry["kind"] for entry in entries}
    assert kinds["dinov2"] == "methods"
    assert kinds["sie"] == kinds["equimod"] == "equivariance"
    for entry in entries:
        assert entry["status"] in {"proved", "ours", "toy"}
        assert entry["rev"] >= 1
        assert entry["paper"].startswith("arXiv:")


def test_everything_listed_can_be_shown(ask: Ask) -> None:
    listed = json.loads(ask("list", "--json").out) + json.loads(ask("list", "ops", "--json").out)
    for entry in listed:
        if entry["kind"] == "specs":
            continue
        pages = json.loads(ask("show", entry["name"], "--family", entry["family"], "--json").out)
        assert entry["about"] in {page["about"].partition("\n")[0] for page in pages}


def test_a_card_and_its_op_share_a_page(ask: Ask) -> None:
    page = ask("show", "rot").out
    assert page.startswith("transforms/rot  card, rev 1")
    assert "params: {degrees: [-45.0, 45.0]}" in page
    assert "\nwith  what `with:` may set\n  degrees: [float, float] = [-45.0, 45.0]\n" in page
    assert "\ntransforms/rot  op, rev 1" in page
    assert "  degrees: [float, float] = [0.0, 0.0]\n" in page


@pytest.mark.parametrize("command", ["", "check", "plan", "run", "list", "show"])
def test_help_ends_with_examples(ask: Ask, command: str) -> None:
    answer = ask(*command.split(), "--help")
    _, _, examples = answer.out.partition("\n  Examples:\n")
    assert answer.status == 0
    assert examples.strip()
    assert all(line.startswith(f"    eqspec {command}") for line in examples.splitlines() if line)


def test_pipes_and_no_color_get_no_escapes(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in ask("list").out + ask("check", "wrong.yaml").err
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in ask("check", "wrong.yaml").err
    monkeypatch.setenv("NO_COLOR", "1")
    answer = ask("check", "wrong.yaml")
    assert "\x1b" not in answer.out + answer.err
