"""An evaluation that trains: its run in the run's folder, stopped, resumed, sealed and audited."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from eqspec.commands.planning.data_locations import DataLocations
from eqspec.commands.planning.plans import plan_spec
from eqspec.commands.run import run
from eqspec.commands.running.events import FineTuning, Sealed, Stopped
from eqspec.commands.running.options import RunOptions
from eqspec.commands.running.request import RunRequest
from eqspec.engine.events import Stepped
from eqspec.runs import checkpoint
from eqspec.runs.folder import RunFolder, State
from tests.command_line import ask
from tests.integration.test_eval import Place, write_images
from tests.trained_runs import reseal

PROBE = (
    "{use: linear-probe-images, at: end, with: {data: image-folder, lrs: [0.01, 0.3], batch: 8, "
    "length: 6 steps, slice: 0.2}}"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A finished run whose encoder was evaluated by a probe that was trained on images."""
    built = Place(tmp_path_factory.mktemp("fine-tuning"))
    write_images(built.root / "images")
    built.write(PROBE)
    answer = built.ask("run", str(built.spec))
    assert answer.status == 0, answer.err
    return built


def children(folder: RunFolder) -> dict[str, RunFolder]:
    return {p.parent.name: RunFolder.open(p.parent) for p in folder.evaluations.rglob("plan.json")}


def test_the_training_is_a_sealed_run_of_its_own(place: Place) -> None:
    found = children(place.folder)
    assert set(found) == {"step-0", "step-2"}
    for child in found.values():
        assert child.state() is State.FINISHED
        assert child.verify() == ()
        assert checkpoint.steps(child.checkpoints) == (6,)
    sealed = place.folder.record().files
    (inside,) = (n for n in sealed if n.endswith("step-2/record.json"))
    assert inside.startswith("evaluations/linear-probe-images-")
    assert not any(".live" in name for name in sealed)


def test_both_encoders_are_measured_and_the_rate_is_chosen_on_the_slice(place: Place) -> None:
    results = [json.loads(p.read_text()) for p in sorted(place.folder.evaluations.glob("*.json"))]
    assert len(results) == 2
    for result in results:
        facts = result["facts"]
        assert facts["select"] == "slice"
        assert set(facts["choice_top1"]) == {
            "1 blocks + mean patch, lr 0.01",
            "1 blocks + mean patch, lr 0.3",
        }
        assert facts["classifier"] in facts["choice_top1"]
        assert (facts["train_images"], facts["heldout_images"]) == (24, 18)


def test_the_encoder_did_not_move(place: Place) -> None:
    weights = place.folder.checkpoints / "step-00000002.safetensors"
    child = children(place.folder)["step-2"].checkpoints / "step-00000006.safetensors"
    from safetensors.numpy import load_file

    before, after = load_file(weights), load_file(child)
    encoder = [name for name in after if name.startswith("students.encoder.")]
    assert encoder
    for name in encoder:
        np.testing.assert_array_equal(before[name], after[name])
    assert any(name.startswith("students.probe.rate_1.") for name in after)


def test_an_audit_covers_the_training(place: Place) -> None:
    answer = place.ask("audit", "latest", "--level", "L4", "--json")
    data = json.loads(answer.out)
    about = [finding["about"] for finding in data["findings"]]
    assert answer.status == 0, answer.out
    assert sum("step-2" in one for one in about) >= 3  # files, replay, result


@pytest.mark.parametrize("command", ["eval", "run"])
def test_a_changed_file_of_the_training_is_found_and_the_training_repeated(
    place: Place, tmp_path: Path, command: str
) -> None:
    copy = tmp_path / "toy" / place.folder.path.name
    shutil.copytree(place.folder.path, copy)
    (metrics,) = copy.rglob("step-2/metrics.jsonl")
    before = metrics.read_bytes()
    metrics.write_text(metrics.read_text().replace("1", "2", 1))
    assert place.ask("audit", str(copy), "--level", "L0").status == 3
    healed = place.ask(command, str(copy))
    assert healed.status == 0, healed.err
    assert "step-2/metrics.jsonl` has changed" in healed.err
    assert metrics.read_bytes() == before
    assert place.ask("audit", str(copy), "--level", "L0").status == 0


@pytest.mark.parametrize("record", ["sealed", "sealed again", "removed"])
def test_what_show_and_audit_advise_repeats_a_changed_training(
    place: Place, tmp_path: Path, record: str
) -> None:
    copy = tmp_path / "toy" / place.folder.path.name
    shutil.copytree(place.folder.path, copy)
    (metrics,) = copy.rglob("step-2/metrics.jsonl")
    before = metrics.read_bytes()
    metrics.write_bytes(before.replace(b"1", b"2", 1))
    if record == "sealed again":
        reseal(copy)
    elif record == "removed":
        (copy / "record.json").unlink()
    shown = ask("show", str(copy))
    assert shown.status == 3
    audited = place.ask("audit", str(copy), "--level", "L0", "--json")
    assert audited.status == 3
    texts = [shown.err, *(one["message"] for one in audited.data["findings"])]
    advice = {found for text in texts for found in re.findall(r"`eqspec (eval [^`]+)`", text)}
    (command,) = advice
    if record != "removed":
        assert f"next: eqspec {command} " in audited.err
    healed = place.ask(*shlex.split(command))
    assert healed.status == 0, healed.err
    assert metrics.read_bytes() == before
    if record == "removed":
        (command,) = re.findall(r"`eqspec (run [^`]+)` seals it", healed.err)
        assert place.ask(*shlex.split(command)).status == 0
    assert ask("show", str(copy)).status == 0
    assert place.ask("run", str(copy)).status == 0
    assert place.ask("audit", str(copy), "--level", "L0").status == 0


def request(place: Place, runs: Path, *, stop_after: int) -> tuple[RunRequest, list[int]]:
    """The run again elsewhere, which is asked to stop after so many steps of a fine-tuning."""
    data = DataLocations(named={"image_folder": place.root / "images"})
    steps: list[int] = []
    options = RunOptions(runs, data=data, should_stop=lambda: len(steps) == stop_after)
    plan = plan_spec(place.spec, data=data).plan
    text = place.spec.read_text()
    return RunRequest(plan, options, spec_text=text, folder=runs / "run"), steps


def test_a_stopped_training_resumes_where_it_stopped(place: Place, tmp_path: Path) -> None:
    asked, steps = request(place, tmp_path, stop_after=4)
    events = []
    with closing(run(asked)) as happening:
        for event in happening:
            events.append(event)
            if isinstance(event, FineTuning) and isinstance(event.event, Stepped):
                steps.append(event.event.step)
    assert isinstance(events[-1], Stopped)
    assert steps == [1, 2, 3, 4]
    (child,) = children(RunFolder.open(tmp_path / "run")).values()
    assert checkpoint.steps(child.checkpoints) == (4,)
    assert not list(tmp_path.rglob(".live/*.safetensors"))
    asked, again = request(place, tmp_path, stop_after=-1)
    with closing(run(asked)) as happening:
        for event in happening:
            if isinstance(event, FineTuning) and isinstance(event.event, Stepped):
                again.append(event.event.step)
    assert isinstance(event, Sealed)
    assert again == [5, 6, 1, 2, 3, 4, 5, 6]
    for path in place.folder.evaluations.glob("*.npz"):
        with np.load(path) as whole, np.load(tmp_path / "run/evaluations" / path.name) as resumed:
            for name in whole.files:
                np.testing.assert_array_equal(whole[name], resumed[name])


def test_eval_adds_a_training_to_a_finished_run(place: Place, tmp_path: Path) -> None:
    added = "linear-probe-images"
    sets = ("lrs=[0.1]", "batch=8", "length=3 steps", "select=held-out", "data=image-folder")
    given = [f"--set=evaluate.0.with.{one}" for one in sets]
    copy = tmp_path / "toy" / place.folder.path.name
    shutil.copytree(place.folder.path, copy)
    answer = place.ask("eval", str(copy), "--use", added, *given)
    assert answer.status == 0, answer.err
    assert RunFolder.open(copy).verify() == ()
    assert len(list(copy.rglob("step-2/record.json"))) == 2
