"""Contrasts of a comparison that have one cause, and gains that only black corners explain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.commands.running.controls import cause_sentences, contrasts
from eqspec.report.border_shortcut import Gain, border_shortcuts
from eqspec.spec.load import parse_spec
from tests.toy_specs import PATH, plan_of, toy_text

if TYPE_CHECKING:
    from eqspec.compile.types.plan import Plan


@dataclass(frozen=True)
class Run:
    name: str
    plan: Plan


def run(name: str, equivariance: str, *overrides: str) -> Run:
    text = toy_text("vicreg", equivariance=equivariance)
    return Run(name, plan_of(parse_spec(text, path=Path("toy.yaml"), overrides=overrides)))


OURS = run("ours", PATH)
LAMBDA0 = run("lambda0", PATH, "equivariance.lambda=0")
PLAIN = run("plain", "none")


def rows(*runs: Run) -> list[str]:
    return [one.row for one in contrasts(runs)]


def test_the_controls_separate_the_loss_from_the_views() -> None:
    found = list(contrasts((PLAIN, LAMBDA0, OURS)))
    assert [one.row for one in found] == ["ours − lambda0", "lambda0 − plain", "ours − plain"]
    assert list(cause_sentences(found)) == [
        "ours − lambda0 is due to the added loss: both see the same views.",
        "lambda0 − plain is due to the views: neither has the added loss.",
    ]


def test_without_the_control_there_is_no_single_cause() -> None:
    found = list(contrasts((PLAIN, OURS)))
    assert [one.row for one in found] == ["ours − plain"]
    assert list(cause_sentences(found)) == []


def test_a_control_differs_in_nothing_else() -> None:
    longer = run("longer", PATH, "equivariance.lambda=0", "train.length=9 steps")
    bordered = run("bordered", PATH, "equivariance.lambda=0", "equivariance.border=zeros")
    for other in (longer, bordered):
        assert rows(PLAIN, other, OURS) == ["ours − plain", f"ours − {other.name}"]
    wider = run("wider", "none", "method.with.embed.width=64")
    assert rows(wider, LAMBDA0, OURS) == ["ours − lambda0", "ours − wider"]


def gains(zeros: float, canvas: float, *, clear: tuple[bool, bool]) -> list[Gain]:
    return [
        Gain("rot", "zeros", zeros, clear=clear[0]),
        Gain("rot", "reflect", canvas, clear=clear[1]),
        Gain("rot", "canvas", canvas, clear=clear[1]),
    ]


def test_a_gain_under_black_borders_alone_is_a_shortcut() -> None:
    """The figures of the effect that was measured on tiny-imagenet-100: +.214 and −.053."""
    (sentence,) = border_shortcuts(
        gains(0.214, -0.053, clear=(True, False)), of="ours", over="plain"
    )
    assert sentence == (
        "border shortcut: ours reads rot better than plain under `zeros` (+0.214), where black "
        "corners give it away, but not under `canvas` (-0.053), where only the image's content can."
    )


def test_a_gain_under_both_or_under_neither_is_none() -> None:
    for clear in ((True, True), (False, False), (False, True)):
        assert list(border_shortcuts(gains(0.2, 0.1, clear=clear), of="a", over="b")) == []
    alone = gains(0.2, 0.0, clear=(True, False))[:2]
    assert list(border_shortcuts(alone, of="a", over="b")) == [], "canvas was not measured"
