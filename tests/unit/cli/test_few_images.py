"""Tests of evaluations that need more images than there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.cli.main import main
from eqspec.ops.evaluations import knn, linear_probe

SPEC = """\
schema: 1
data: {use: tiny-imagenet-100}
image: 32
backbone: {use: vit_micro_patch8}
method: {use: vicreg, with: {embed.width: 32, projector.widths: [24, 24, 24]}}
train: {length: 20 epochs, batch: 64}
evaluate:
  - {use: knn, at: end, with: {train_images: IMAGES}}
  - {use: linear-probe, at: end, with: {train_images: IMAGES}}
"""


@pytest.mark.parametrize(("images", "warned"), [(12, True), (5000, False)])
def test_check_warns_of_what_the_numbers_then_mean(
    images: int,
    warned: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("few.yaml").write_text(SPEC.replace("IMAGES", str(images)))
    assert main(["check", "few.yaml"]) == 0
    text = capsys.readouterr().err
    assert ("EQ511" in text) is warned
    assert ("k = 20 is more than the 12 training images" in text) is warned
    assert ("a batch of 1,024 is more than the 12 training images" in text) is warned
    assert (" --> few.yaml:8:11" in text) is warned


def test_one_image_is_one_image() -> None:
    params = knn.Params(k=(1, 5), temperature=0.07)
    (reported,) = knn.caveats(params, images=1)
    assert reported == ("k = 5 is more than the 1 training image: all of them vote, as with k = 1")


def test_enough_images_are_no_matter() -> None:
    assert knn.caveats(knn.Params(k=(20,), temperature=0.07), images=20) == ()
    probe = linear_probe.Params(lrs=(0.1,), slice=0.2, epochs=1, batch=64)
    assert linear_probe.caveats(probe, images=64) == ()
