"""Tests that values suggested by an error message are accepted and fix the error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eqspec.cli.main import main
from tests.toy_specs import toy_text

IBOT = """\
schema: 1
image: 64
data: {use: photos}
backbone: {use: vit_small_patch16}
method: {use: ibot}
train: {length: 20 epochs, batch: 64}
"""

WRONG = {
    "local crops, named by the recipe": (IBOT, ()),
    "local crops, named by the spec": (IBOT + "augment: {use: ibot_multicrop}\n", ()),
    "local crops, set": (IBOT + "augment: {use: ibot_multicrop, with: {local.size: 30}}\n", ()),
    "crops of a rewrite": (
        toy_text("vicreg", equivariance="{use: e-ssl, with: {turned.size: 15}}"),
        (),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_setting_that_is_advised_mends_the_error(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    text, sets = WRONG[name]
    Path("spec.yaml").write_text(text)
    assert main(["check", "spec.yaml", *sets]) == 2
    page = capsys.readouterr().err
    assert re.search(r"do not fill the `(local|turned)` views, which are \d+ pixels wide", page)
    (help_,) = re.findall(r"= help: (.*)", page)
    advised = [part for path in re.findall(r"--set (\S+)", help_) for part in ("--set", path)]
    assert advised
    assert main(["check", "spec.yaml", *sets, *advised]) == 0, capsys.readouterr().err


ADVISED = re.compile(r"--set ([a-z][a-z_.]+)=")
SOURCES = Path(__file__).parents[3] / "eqspec"
GIVEN = {
    "data.use": "image-folder",
    "data.with.unreadable": "3",
    "data.with.share": "0.2",
    "data.with.download": "true",
    "data.with.layout": "classes",
    "machine.compile": "off",
    "machine.device": "auto",
    "machine.micro_batches": "2",
    "train.batch": "64",
}
"""A value of every setting that some error names."""

OF_DATA = {"data.with.share": "3diebench", "data.with.download": "cifar10"}
"""Datasets that alone have a setting; the others are of folders of images."""


def test_every_setting_that_is_advised_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spec.yaml").write_text(toy_text("vicreg"))
    found = {
        path
        for file in SOURCES.rglob("*.py")
        if "arguments" not in file.parts
        for path in ADVISED.findall(file.read_text(encoding="utf-8"))
    } - {"path"}
    assert found <= set(GIVEN)
    for path in found:
        data = OF_DATA.get(path, "image-folder")
        first = () if path == "data.use" else ("--set", f"data.use={data}")
        argv = ("check", "spec.yaml", *first, "--set", f"{path}={GIVEN[path]}")
        main(list(argv))
        text = capsys.readouterr().err
        assert not re.search(r"EQ00[12]|EQ01\d", text), (path, text)
