"""Mistakes in the `with:` of a card are located in the spec, not in the card."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import ask

SPEC = """\
schema: 1
data: {use: photos%s}
augment: {use: photos_light%s}
backbone: {use: vit_micro_patch8%s}
method: {use: vicreg%s}
train: {length: 4 steps, batch: 8, optimizer: {impl: adamw, params: {lr: 0.001}}}
evaluate:
  - {use: r2, at: end%s}
"""

WRONG = (
    (0, "tille: 3"),
    (1, "foo: 1"),
    (2, "heads: 5"),
    (2, "depht: 5"),
    (3, "projectr.widths: [3]"),
    (4, "widht: 3"),
    (4, "hidden: [x]"),
    (4, "controls: [x]"),
    (4, "families: {rot: {use: rott}}"),
    (4, "families: {rot: {use: rot}, color: {use: colour}}"),
    (4, "families: {rot: {impl: rotate, params: {degres: 3}}}"),
    (4, "data: {use: cifar11}"),
)
"""Which card, and what its `with:` contains."""

LINES = (2, 3, 4, 5, 8)


@pytest.mark.parametrize(("card", "mistake"), WRONG, ids=str)
def test_a_mistake_is_located_where_it_is_written(
    card: int, mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parts = [""] * len(LINES)
    parts[card] = f", with: {{{mistake}}}"
    Path("wrong.yaml").write_text(SPEC % tuple(parts))
    answer = ask("check", "wrong.yaml")
    assert answer.status == 2, answer.out
    places = [line for line in answer.err.splitlines() if line.strip().startswith("-->")]
    assert places
    assert all(f" --> wrong.yaml:{LINES[card]}:" in place for place in places), answer.err


def test_every_misspelt_transform_is_found_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = ", with: {families: {rot: {use: rott}, color: {use: colour}}}"
    Path("wrong.yaml").write_text(SPEC % ("", "", "", "", wrong))
    text = ask("check", "wrong.yaml").err
    assert "did you mean `rot`?" in text
    assert "did you mean `color`?" in text
    given = "evaluate.0.with.families.rot={use: rott}"
    Path("right.yaml").write_text(SPEC % ("", "", "", "", ""))
    assert "<cli>:--set #1:1:36" in ask("check", "right.yaml", "--set", given).err
