"""SIE on a tiny 3DIEBench by the command line: looked at, trained, judged, resumed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eqspec.cli.main import main
from tests.fake_objects import DATA, objects
from tests.toy_specs import BACKBONE

SPEC = f"""\
schema: 1
data: {DATA}
backbone: {BACKBONE}
method: {{use: vicreg_pooled, with: {{projector.widths: [24, 24, 24]}}}}
equivariance: {{use: sie, transform: {{use: object_rotation_hue}}, split: 0.5}}
train: {{length: 6 steps, batch: 8}}
evaluate:
  - {{use: knn, with: {{k: [3]}}, at: end}}
  - {{use: linear-probe, with: {{epochs: 2, batch: 16}}, at: end}}
machine: {{compile: "off"}}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("objects")
    return objects(root, train=20, heldout=4, views=4, latents=7, side=40)


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("toy.yaml").write_text(SPEC, encoding="utf-8")
    return "toy.yaml"


def run(spec: str, data: Path, runs: str, *more: str) -> Path:
    assert main(["run", spec, "--data", str(data), "--runs", runs, *more]) == 0
    (folder,) = (Path(runs) / "toy").iterdir()
    return folder


def losses(folder: Path) -> dict[int, dict[str, float]]:
    """What was measured after each step."""
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    return {e["step"]: e for e in events if "step" in e and "evaluation" not in e}


def test_a_run_is_trained_judged_and_resumed_bit_for_bit(
    spec: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = run(spec, data, "whole")
    text = capsys.readouterr().out
    assert "Measured on 4 held-out objects" in text
    assert "equivariance, weight = 4.5" in text
    halves = run(spec, data, "halves", "--steps", "3")
    assert run(spec, data, "halves") == halves
    workers = run(spec, data, "workers", "--set", "machine.workers=2")
    expected = (whole / "metrics.jsonl").read_text(encoding="utf-8")
    assert '"equivariance"' in expected
    assert losses(halves) == losses(workers) == losses(whole)
    assert main(["audit", str(whole), "--data", str(data)]) == 0


def test_micro_batches_see_the_same_pairs(spec: str, data: Path) -> None:
    """The second pass of the encoder reads the same views and actions, to rounding."""
    once, pieces = (
        losses(run(spec, data, name, "--set", f"machine.micro_batches={n}"))
        for name, n in (("once", 1), ("pieces", 2))
    )
    assert once.keys() == pieces.keys()
    found, wanted = (np.array([v for e in r.values() for v in numbers(e)]) for r in (pieces, once))
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)


def numbers(value: object) -> list[float]:
    """Every number of an event, in order."""
    if isinstance(value, dict):
        return [n for inner in value.values() for n in numbers(inner)]
    return [float(value)] if isinstance(value, int | float) else []


def test_check_shows_objects_views_and_latents(
    spec: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", spec, "--data", str(data)]) == 0
    text = capsys.readouterr().out
    assert "20 objects in 4 views each for training, 4 held out, 2 classes" in text
    listed = np.load(data / "train_images.npy")
    latents = np.load(data / listed[0].strip("/") / "latent_0.npy")
    assert f"object 0: 40×40, mean 0.409, 00000007, {latents[0]:.3f} {latents[1]:.3f}" in text
    assert main(["check", spec, "--data", str(data), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["data"]
    assert (found["train"], found["heldout"], found["views"]) == (20, 4, 4)
    assert [len(sample["latents"]) for sample in found["samples"]] == [7, 7, 7]


def test_damage_is_named_and_borne(
    spec: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = objects(tmp_path / "damaged", train=20, heldout=4, views=4, latents=7, side=40)
    for path in sorted(root.glob("*/*/latent_2.npy")):
        path.write_bytes(b"damaged")
    run(spec, root, "runs", "--set", "data.params.unreadable=30")
    text = capsys.readouterr().err
    assert "its latent_2.npy" in text
    assert "Traceback" not in text


def test_a_folder_without_latents_stands_in_for_nothing(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = objects(tmp_path / "bare", train=20, heldout=4, views=4, latents=7)
    for path in root.glob("*/*/*.npy"):
        path.unlink()
    assert main(["run", spec, "--data", str(root), "--runs", "runs"]) == 2
    text = capsys.readouterr().err
    assert "error[EQ041]: `object_rotation_hue` is read from stored latents" in text
    assert "`image-folder` has none" in text
