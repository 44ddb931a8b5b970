"""Evaluations that train, before they are trained: what `check` and `plan` say, and `run` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Answer, ask
from tests.integration.test_eval import BACKBONE, write_images
from tests.toy_specs import toy_text

PROBE = "{use: linear-probe-dino, %s: %s, with: {blocks: [1], data: image-folder%s}}"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of 30 training images in three classes."""
    write_images(tmp_path / "images")
    return tmp_path / "images"


def write(
    folder: Path, *, when: tuple[str, str] = ("at", "end"), more: str = "", steps: int = 2
) -> Path:
    spec = folder / "toy.yaml"
    evaluation = PROBE % (*when, more)
    extra = f'evaluate:\n  - {evaluation}\nmachine: {{compile: "off"}}'
    text = toy_text("vicreg", backbone=BACKBONE, extra=extra)
    spec.write_text(text.replace("length: 4 steps", f"length: {steps} steps"))
    return spec


def command(name: str, spec: Path, images: Path, *more: str) -> Answer:
    runs = () if name == "check" else ("--runs", str(spec.parent / "kept"))
    return ask(name, str(spec), "--data", f"image-folder={images}", *runs, *more)


@pytest.mark.parametrize("name", ["check", "plan", "run"])
def test_a_batch_of_more_images_than_there_are_is_refused_before_training(
    name: str, images: Path, tmp_path: Path
) -> None:
    spec = write(tmp_path)
    answer = command(name, spec, images)
    assert answer.status == 2
    assert "EQ021" in answer.err
    assert "batch of 1,024, and there are 30 images of `image-folder`" in answer.err
    line = 1 + next(i for i, t in enumerate(spec.read_text().splitlines()) if "linear-probe" in t)
    assert f"{spec}:{line}:" in answer.err
    assert "--set evaluate.0.with.batch=30" in answer.err
    assert not (tmp_path / "kept").exists()
    setting = "evaluate.0.with.batch=30"
    assert command("check", spec, images, "--set", setting).status == 0


def test_images_left_out_to_choose_on_are_not_trained_on(images: Path, tmp_path: Path) -> None:
    spec = write(tmp_path, more=", select: slice, slice: 0.2, batch: 30")
    answer = command("check", spec, images)
    assert answer.status == 2
    assert "there are 24 images" in answer.err
    column = next(t for t in spec.read_text().splitlines() if "batch: 30" in t).index("30") + 1
    assert f":{column}\n" in answer.err
    assert "--set evaluate.0.with.batch=24" in answer.err


def test_an_evaluation_that_does_not_suit_the_encoder_is_refused(
    images: Path, tmp_path: Path
) -> None:
    spec = write(tmp_path, more=", batch: 8")
    answer = command("check", spec, images, "--set", "evaluate.0.with.blocks=[5]")
    assert answer.status == 2
    assert "`linear-probe-dino` cannot be trained" in answer.err
    assert "toy.yaml:" in answer.err


def test_a_saved_plan_is_refused_before_training(images: Path, tmp_path: Path) -> None:
    """It was planned where the images were not known."""
    spec, saved = write(tmp_path), tmp_path / "toy.plan"
    assert ask("plan", str(spec), "-o", str(saved), "--runs", str(tmp_path / "kept")).status == 0
    answer = command("run", saved, images)
    assert answer.status == 1
    assert "batch of 1,024, and there are 30 images" in answer.err
    assert "at most 30" in answer.err
    assert not list((tmp_path / "kept").rglob("*.safetensors"))


def stage(answer: Answer) -> dict[str, Any]:
    (found,) = (one for one in answer.data["stages"] if one["name"] == "linear-probe-dino")
    return found


def test_a_run_is_evaluated_after_the_steps_of_its_plan(images: Path, tmp_path: Path) -> None:
    small = ", batch: 8, length: 2 steps"
    spec = write(tmp_path, when=("every", "4 steps"), more=small, steps=10)
    planned = command("plan", spec, images, "--json")
    (cost,) = planned.data["fine_tunings"]
    assert stage(planned)["steps"] == [0, 4, 8, 10]
    assert cost["trainings"] == 4
    assert cost["steps"] == 2
    assert command("run", spec, images).status == 0
    (folder,) = (tmp_path / "kept" / "toy").iterdir()
    results = {path.stem.rpartition("-")[2] for path in (folder / "evaluations").glob("*.json")}
    assert results == {"0", "4", "8", "10"}
    again = command("plan", spec, images, "--json")
    assert stage(again)["mark"] == "="
    next((folder / "evaluations").glob("*step-10.json")).unlink()
    again = command("plan", spec, images, "--json")
    assert stage(again)["because"] == ["1 of 4 results missing"]


def test_the_disk_of_a_plan_contains_the_trainings(images: Path, tmp_path: Path) -> None:
    small = ", batch: 8, length: 2 steps"
    spec = write(tmp_path, when=("every", "4 steps"), more=small, steps=10)
    planned = command("plan", spec, images, "--json").data
    (cost,) = planned["fine_tunings"]
    assert planned["disk"]["trainings"] == 4 * cost["disk"]
    assert planned["disk"]["total"] > planned["disk"]["trainings"]
    assert command("run", spec, images).status == 0
    kept = [p for p in tmp_path.rglob("evaluations/*/*/checkpoints/*") if p.is_file()]
    there = sum(path.stat().st_size for path in kept)
    assert there == pytest.approx(planned["disk"]["trainings"], rel=0.25)


def test_nothing_is_left_in_live_folders_after_a_run(images: Path, tmp_path: Path) -> None:
    spec = write(tmp_path, more=", batch: 8, length: 2 steps")
    assert command("run", spec, images).status == 0
    assert not list(tmp_path.rglob(".live/*.safetensors"))
    (folder,) = (tmp_path / "kept" / "toy").iterdir()
    assert (
        ask("audit", str(folder), "--level", "L4", "--data", f"image-folder={images}").status == 0
    )


def test_a_training_is_audited_after_the_runs_checkpoint_is_gone(
    images: Path, tmp_path: Path
) -> None:
    """Of steps 4, 8 and 10 the run keeps the last two; the training has the encoder of step 4."""
    small = ", batch: 8, length: 2 steps"
    spec = write(tmp_path, when=("every", "4 steps"), more=small, steps=10)
    assert command("run", spec, images).status == 0
    (folder,) = (tmp_path / "kept" / "toy").iterdir()
    assert not list((folder / "checkpoints").glob("step-00000004*"))
    located = ("--data", f"image-folder={images}", "--level", "L4", "--json")
    audit = ask("audit", str(folder), *located)
    assert audit.status == 0, audit.out
    (replay,) = (
        f["message"]
        for f in audit.data["findings"]
        if "step-4" in f["about"] and f["about"].endswith(" replay")
    )
    assert replay.endswith("bit for bit, from the encoder in its own checkpoint")
