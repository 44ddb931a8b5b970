"""The encoder trained on the parameters themselves, as a row beside the others of an R² table."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from eqspec.build.program import initial_graph
from eqspec.commands.planning.run_plan import plan_in
from eqspec.commands.running.fine_tuning import write_encoder
from eqspec.nn.layers.initialise import initialise
from eqspec.nn.random.philox import Draws
from eqspec.runs import checkpoint
from eqspec.runs.artifacts import sha256_of
from eqspec.runs.folder import RunFolder, State
from tests.command_line import Answer, ask
from tests.integration.test_interrupted_fine_tunings import Place
from tests.toy_specs import toy_text

STEPS = 120
BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 16, depth: 1, heads: 2}}"
)
CEILING = f"""\
evaluate:
  - use: r2-supervised
    at: end
    with:
      data: image-folder
      controls: []
      draws: 4
      heldout_draws: 4
      train_pairs: 192
      heldout_pairs: 96
      hidden: [32]
      epochs: 20
      batch: 64
      lr: 2.0e-3
      seeds: 1
      supervised: {{length: {STEPS} steps, batch: 16, lr: 3.0e-3, warmup: 10 steps}}
compare: {{fast: {{train.optimizer.params.lr: 0.01}}}}
machine: {{compile: "off"}}
"""


def write_stripes(folder: Path) -> None:
    """Horizontal stripes of many widths, phases and colours: their direction tells a rotation."""
    for split, count in (("train", 48), ("val", 24)):
        for name in ("a", "b"):
            (folder / split / name).mkdir(parents=True)
        drawn = Draws(count).uniform("stripes", step=0, samples=np.arange(count), view=0, count=6)
        for i, numbers in enumerate(drawn):
            waves = zip(6 + 4 * numbers[:3], 2 * np.pi * numbers[3:], strict=True)
            rows = [np.sin(2 * np.pi * np.arange(48) / width + phase) for width, phase in waves]
            pixels = np.broadcast_to(127.5 + 100 * np.stack(rows, axis=-1)[:, None], (48, 48, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / split / "ab"[i % 2] / f"{i}.png")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """With an uninterrupted run and a variant of it in `whole`."""
    built = Place(tmp_path_factory.mktemp("ceiling"))
    write_stripes(built.root / "images")
    text = toy_text("vicreg", backbone=BACKBONE, extra=CEILING)
    (built.root / "toy.yaml").write_text(text.replace("length: 4 steps", "length: 2 steps"))
    built.run("whole")
    return built


def own(place: Place, runs: str) -> RunFolder:
    """The run of the spec itself, which has the training."""
    (path,) = (p.parents[2] for p in place.root.glob(f"{runs}/toy/*/evaluations/*/supervised"))
    return RunFolder.open(path)


def child(folder: RunFolder) -> RunFolder:
    (path,) = folder.evaluations.glob("*/supervised")
    return RunFolder.open(path)


def asked(place: Place, *argv: str) -> Answer:
    given = ("--data", f"image-folder={place.root / 'images'}", "--runs", str(place.root / "whole"))
    return ask(*argv, *given)


def rows(place: Place) -> dict[str, float]:
    (table,) = json.loads(asked(place, "run", str(place.root / "toy.yaml"), "--json").out)["tables"]
    return {row["name"]: row["measurements"][0]["value"] for row in table["rows"][:4]}


def test_the_ceiling_is_a_row_far_above_the_untrained_encoder(place: Place) -> None:
    found = rows(place)
    assert list(found) == ["untrained", "supervised", "fast", "toy"]
    assert found["untrained"] < 0.3
    assert found["supervised"] > 0.75


def test_runs_of_one_spec_share_the_training(place: Place) -> None:
    assert len(list(place.root.glob("whole/*/*/record.json"))) == 2
    folder = own(place, "whole")
    (found,) = place.root.glob("whole/**/supervised/record.json")
    assert found.parent == child(folder).path
    assert child(folder).state() is State.FINISHED
    assert child(folder).verify() == ()
    assert not list(place.root.glob("whole/**/.live/*.safetensors"))


def test_it_starts_from_the_initial_weights_bit_for_bit(place: Place, tmp_path: Path) -> None:
    folder = own(place, "whole")
    parent, trained = plan_in(folder.path), plan_in(child(folder).path)
    weights = tmp_path / "encoder.safetensors"
    fresh = initial_graph(parent, device=torch.device("cpu"))
    write_encoder(weights, fresh)
    assert trained.init is not None
    assert trained.init.sha256 == sha256_of(weights)
    start = trained.model_copy(
        update={"init": trained.init.model_copy(update={"weights": str(weights)}), "seed": 9}
    )
    begun = initial_graph(start, device=torch.device("cpu")).encoder().state_dict()
    initialise(fresh.encoder(), seed=parent.seed, name="encoder")
    for name, tensor in fresh.encoder().state_dict().items():
        assert torch.equal(tensor, begun[name]), name


def test_every_weight_of_the_encoder_moves(place: Place) -> None:
    folder = own(place, "whole")
    before = initial_graph(plan_in(folder.path), device=torch.device("cpu")).encoder()
    after = load_file(child(folder).checkpoints / f"step-{STEPS:08}.safetensors")
    for name, tensor in before.named_parameters():
        assert not torch.equal(tensor, after[f"students.encoder.{name}"]), name


def test_an_audit_measures_it_again(place: Place) -> None:
    folder = own(place, "whole").path
    audit = asked(place, "audit", str(folder), "--level", "L4", "--json")
    assert audit.status == 0, audit.out
    found = {f["about"]: f["message"] for f in audit.data["findings"]}
    (before,) = (text for about, text in found.items() if about.endswith(".step-0"))
    assert before == "14 numbers, the same bit for bit"  # untrained, and supervised
    (replay,) = (text for about, text in found.items() if about.endswith("supervised replay"))
    assert replay.endswith("bit for bit")


def test_an_edited_ceiling_is_found_and_measured_again(place: Place) -> None:
    folder = own(place, "whole")
    (result,) = folder.evaluations.glob("*.supervised.json")
    before = result.read_bytes()
    result.write_bytes(before.replace(b"0.", b"1.", 1))
    assert asked(place, "audit", str(folder.path), "--level", "L0").status == 3
    assert asked(place, "eval", str(folder.path)).status == 0
    assert result.read_bytes() == before
    assert asked(place, "audit", str(folder.path), "--level", "L0").status == 0


def test_killed_in_its_middle_it_ends_at_the_same_bits(place: Place) -> None:
    status, reported = place.interrupt("killed", signal.SIGKILL, at="r2-supervised, step  60")
    assert status == -signal.SIGKILL, reported
    saved = checkpoint.steps(child(own(place, "killed")).checkpoints)
    assert saved
    assert saved[-1] < STEPS
    place.run("killed")
    whole, again = (content(own(place, runs)) for runs in ("whole", "killed"))
    assert again == whole
    assert any("supervised/checkpoints" in name for name in whole)
    log = (child(own(place, "killed")).path / "log.txt").read_text()
    for step in saved:
        assert log.count(f"saved the checkpoint of step {step}\n") == 1


def content(folder: RunFolder) -> dict[str, bytes]:
    """What two runs of one recipe share, bit for bit."""
    patterns = ("evaluations/*.json", "evaluations/*.npz", "evaluations/*/*/metrics.jsonl")
    patterns += ("evaluations/*/*/checkpoints/*.safetensors", "checkpoints/*.safetensors")
    found = [file for pattern in patterns for file in folder.path.glob(pattern)]
    return {file.relative_to(folder.path).as_posix(): file.read_bytes() for file in found}


def test_plan_counts_one_training(place: Place) -> None:
    planned = asked(place, "plan", str(place.root / "toy.yaml"), "--json").data
    (cost,) = planned["fine_tunings"]
    assert (cost["trainings"], cost["steps"], cost["batch"]) == (1, STEPS, 16)


def test_a_batch_of_more_pairs_than_images_is_refused(place: Place) -> None:
    spec, key = place.root / "toy.yaml", "evaluate.0.with.supervised.batch"
    located = ("check", str(spec), "--data", f"image-folder={place.root / 'images'}")
    answer = ask(*located, "--set", f"{key}=49")
    assert answer.status == 2
    assert "batch of 49, and there are 48 images of `image-folder`" in answer.err
    assert f"--set {key}=48" in answer.err
    assert ask(*located, "--set", f"{key}=48").status == 0


def test_eval_adds_a_ceiling_to_a_finished_run(place: Place, tmp_path: Path) -> None:
    spec = tmp_path / "plain.yaml"
    text = toy_text("vicreg", backbone=BACKBONE, extra='machine: {compile: "off"}')
    spec.write_text(text.replace("length: 4 steps", "length: 2 steps"))
    located = ("--data", f"image-folder={place.root / 'images'}", "--runs", str(tmp_path / "runs"))
    assert ask("run", str(spec), "--runs", str(tmp_path / "runs")).status == 0
    sets = ("train_pairs=64", "draws=2", "heldout_pairs=24", "hidden=[8]", "epochs=1", "seeds=1")
    sets += ("data=image-folder", "controls=[]")
    sets += ("supervised.length=3 steps", "supervised.batch=8", "supervised.warmup=1 steps")
    given = [f"--set=evaluate.0.with.{one}" for one in sets]
    answer = ask("eval", "latest", "--use", "r2-supervised", *given, *located)
    assert answer.status == 0, answer.err
    (folder,) = (tmp_path / "runs" / "plain").iterdir()
    assert RunFolder.open(folder).verify() == ()
    names = {path.name.partition(".")[2] for path in (folder / "evaluations").glob("*.json")}
    assert names == {"step-0.json", "step-2.json", "supervised.json"}
