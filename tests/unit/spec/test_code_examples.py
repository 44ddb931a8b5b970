"""The examples on the pages of codes are true: the first draws the code, the second does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.commands.planning.plans import plan_spec
from eqspec.errors import Diagnostic, SpecError
from eqspec.spec.codes.all_codes import CODES

BASE = """\
schema: 1
data: {use: photos}
augment: {use: photos_light}
backbone: {use: vit_micro_patch8}
method: {use: vicreg, with: {embed.width: 64, projector.widths: [64, 64]}}
equivariance: {use: intermediate-reconstruction, transform: {use: rot}, split: 0.5}
train: {length: 20 epochs, batch: 64}
evaluate: []
machine: {compile: "off"}
"""
STORED = """\
data: {use: 3diebench}
backbone: {use: resnet18}
method: {use: vicreg_pooled}
equivariance: {use: sie, transform: {use: object_rotation}, d_equi: 256}
train: {length: 20 epochs, batch: 1024}
"""
PUBLISHED = "train: null\nmethod: null\naugment: null\nequivariance: none\n"
PUBLISHED += "backbone: {use: vit_small_patch16, init: 'timm:vit_small_patch16_224.dino'}\n"
BESIDE = {
    "EQ022": "method: {use: vicreg_sie}\n",
    "EQ023": "backbone: {use: vit_micro_patch8, init: missing.pth}\n",
    "EQ507": STORED,
    "EQ508": PUBLISHED,
}
"""Code → what the example stands beside, where the base would not show it."""

ELSEWHERE = {
    "EQ006": "of a file that is too large",
    "EQ007": "of files",
    "EQ009": "of files",
    "EQ050": "of data on this machine",
    "EQ301": "of weights on this machine",
    "EQ302": "of weights on this machine",
    "EQ401": "of the command line",
    "EQ504": "of compilers on this machine",
    "EQ505": "of this machine's processor",
    "EQ510": "of a folder",
    "EQ514": "of a finished training",
}
"""Code → why its example cannot be tried here."""


def with_lines(base: str, lines: str) -> str:
    """A spec in which some lines replace those of the same keys."""
    keys = {line.partition(":")[0] for line in lines.splitlines()}
    kept = [line for line in base.splitlines() if line.partition(":")[0] not in keys]
    return "\n".join([*kept, lines.rstrip("\n")]) + "\n"


def codes_of(lines: str, *, code: str, folder: Path) -> list[str]:
    """Codes of everything that is said of an example."""
    path = folder / "spec.yaml"
    path.write_text(with_lines(with_lines(BASE, BESIDE.get(code, "")), lines))
    found: tuple[Diagnostic, ...]
    try:
        found = plan_spec(path).warnings
    except SpecError as error:
        found = error.diagnostics
    return [diagnostic.code for diagnostic in found]


@pytest.mark.parametrize("code", [code for code in CODES if code not in ELSEWHERE])
def test_the_first_example_draws_the_code_and_the_second_does_not(
    code: str, tmp_path: Path
) -> None:
    page = CODES[code]
    assert code in codes_of(page.wrong, code=code, folder=tmp_path)
    assert code not in codes_of(page.right, code=code, folder=tmp_path)


def test_only_codes_that_exist_are_left_out() -> None:
    assert set(ELSEWHERE) | set(BESIDE) <= set(CODES)
