"""`eqspec eval`, evaluations on other data and the Python API, on runs of the command line."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import eqspec
from eqspec.cli.main import main
from eqspec.errors import UsageError
from eqspec.runs.artifacts import sha256_of
from eqspec.runs.folder import RunFolder, State
from tests.command_line import Answer, ask
from tests.toy_specs import PATH, toy_text

BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 16, depth: 1, heads: 2}}"
)

KNN = "{use: knn, at: end, with: {k: [5, 3], data: image-folder}}"
RANK = "{use: effective-rank, at: end}"

CLASSES = ("blue", "green", "red")


@dataclass(frozen=True)
class Place:
    """A spec trained on photographs and judged on coloured noise in class folders."""

    root: Path

    @property
    def spec(self) -> Path:
        return self.root / "toy.yaml"

    def write(self, *evaluate: str) -> None:
        extra = f"evaluate: [{', '.join(evaluate)}]\n" + 'machine: {compile: "off"}'
        text = toy_text("vicreg", equivariance=PATH, backbone=BACKBONE, extra=extra)
        self.spec.write_text(text.replace("4 steps", "2 steps"))

    def ask(self, *argv: str, data: bool = True) -> Answer:
        where = ("--data", f"image-folder={self.root / 'images'}") if data else ()
        given = (*argv, *where, "--runs", str(self.root / "kept"))
        return ask(*given)

    @property
    def folder(self) -> RunFolder:
        (path,) = (self.root / "kept" / "toy").iterdir()
        return RunFolder.open(path)

    def results(self) -> set[str]:
        """Stored results, without the hash in their names."""
        names = (path.name.split(".") for path in self.folder.evaluations.glob("*.json"))
        return {f"{name.rpartition('-')[0]} {when}" for name, when, _ in names}


def write_images(folder: Path) -> None:
    """Noise with a little more of one colour, so that neighbours are right more often than not."""
    for split, count in (("train", 10), ("val", 6)):
        for at, name in enumerate(CLASSES):
            below = folder / split / name
            below.mkdir(parents=True)
            for i in range(count):
                generator = torch.Generator().manual_seed(1000 * at + 100 * len(split) + i)
                noise = torch.randint(0, 160, (24, 30, 3), generator=generator)
                noise[..., 2 - at] += 90
                Image.fromarray(noise.to(torch.uint8).numpy()).save(below / f"{i}.png")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A finished run that was judged by neighbours."""
    built = Place(tmp_path_factory.mktemp("eval"))
    write_images(built.root / "images")
    built.write(KNN)
    assert built.ask("run", str(built.spec)).status == 0
    return built


def test_training_data_without_labels_are_judged_on_other_data(place: Place) -> None:
    data = json.loads(place.ask("eval", "latest", "--json").out)
    (table,) = data["tables"]
    assert table["data"] == "image-folder"
    assert [row["name"] for row in table["rows"]] == ["untrained", "toy"]
    measured = table["rows"][1]["measurements"]
    assert [(m["metric"], m["group"]["k"]) for m in measured] == [
        (metric, k) for k in ("5", "3") for metric in ("top1", "mean_per_class")
    ]
    assert all(m["value"] > 0.5 for m in measured)
    assert table["heldout"] == [18, 18]


def test_a_run_draws_reconstructions_and_eval_lists_none(place: Place) -> None:
    assert "reconstructions" in place.ask("run", str(place.spec)).out
    assert "reconstructions" not in place.ask("eval", "latest").out


def test_status_names_the_evaluation_and_its_neighbours(place: Place) -> None:
    page = ask("status", "--runs", str(place.root / "kept")).out
    assert "knn top1 k=5 " in " ".join(page.split())


def test_columns_and_rows_of_neighbours_ascend(place: Place) -> None:
    heads = [line.split() for line in place.ask("eval", "latest").out.splitlines() if "k =" in line]
    assert heads[0] == ["k", "=", "3", "k", "=", "3", "k", "=", "5", "k", "=", "5"]
    words = place.ask("show", "latest", data=False).out.split()
    assert [word for word in words if word.startswith("k=")] == ["k=3", "k=3", "k=5", "k=5"] * 2


def test_the_resolved_spec_holds_the_data_that_were_judged_on(place: Place) -> None:
    plan = eqspec.load(place.folder.path).plan
    (evaluation,) = plan.evaluations
    assert (plan.data.name, evaluation.data.name) == ("photos", "image-folder")
    assert plan.resolved["evaluate"][0]["use"]["data"]["card"] == "dataset"
    again = place.root / "resolved.yaml"
    again.write_text((place.folder.path / "resolved.yaml").read_text())
    answer = place.ask("plan", str(again), "--json", "--no-trace", data=False)
    assert answer.status == 0, answer.err
    assert evaluation.id in answer.out


def test_what_is_missing_is_made_and_the_folder_sealed_again(place: Place) -> None:
    before = sha256_of(place.folder.path / "record.json")
    again = place.ask("eval", "latest")
    assert (again.status, "evaluating" in again.err) == (0, False)
    assert sha256_of(place.folder.path / "record.json") == before, "nothing was added"

    added = place.ask("eval", "latest", "--use", "effective-rank", "--use", "linear-probe",
                      "--set", "evaluate.1.with.data=image-folder",
                      "--set", "evaluate.1.with.epochs=2")  # fmt: skip
    assert added.status == 0, added.err
    assert added.err.count("evaluating") == 4
    assert "top-1" in added.out
    assert "effective rank" in added.out
    assert {f"{name} step-{n}" for name in ("knn", "linear-probe", "effective-rank")
            for n in (0, 2)} <= place.results()  # fmt: skip
    record = place.folder.record()
    assert record is not None
    assert record.previous == before
    assert place.folder.verify() == ()
    assert "eqspec eval: evaluating linear-probe" in place.folder.log.read_text()
    assert added.err.splitlines()[-1].startswith("next: eqspec show latest")


def test_an_edited_spec_makes_only_what_is_new(place: Place) -> None:
    place.write(KNN, "{use: effective-rank, at: end, with: {images: 20}}")
    weights = max((place.folder.checkpoints).glob("*.safetensors"))
    before = sha256_of(weights)
    answer = place.ask("eval", "latest", "--spec", str(place.spec))
    assert answer.status == 0, answer.err
    assert "evaluating effective-rank" in answer.err
    assert "evaluating knn" not in answer.err

    place.write(KNN, "{use: effective-rank, at: end, with: {images: 30}}")
    run = place.ask("run", str(place.spec))
    assert run.status == 0, run.err
    assert "evaluating effective-rank" in run.err
    assert "evaluating knn" not in run.err
    assert "step 1 of 2" not in run.err
    assert sha256_of(weights) == before
    assert place.folder.verify() == ()


def test_a_spec_of_another_recipe_is_refused(place: Place) -> None:
    other = place.root / "other.yaml"
    other.write_text(place.spec.read_text().replace("2 steps", "3 steps"))
    answer = place.ask("eval", "latest", "--spec", str(other))
    assert answer.status == 3
    assert "belongs to another run" in answer.err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("eval", "nothing"), "there is no run `nothing`"),
        (("eval", "latest", "--use", "nkn"), "no card `nkn` in registry/evaluations/"),
        (("eval", "latest", "--use", "knn"), "`knn` needs labels, and `photos` has none"),
        (("eval", "latest", "--use", "knn", "--spec", "x.yaml"), "give one of them"),
    ],
)
def test_mistakes_are_explained(place: Place, argv: tuple[str, ...], says: str) -> None:
    answer = place.ask(*argv)
    assert answer.status == 2
    assert says in answer.err
    assert "Traceback" not in answer.err
    assert answer.err.splitlines()[-1].startswith("next: ")


def test_missing_data_are_found_out_before_the_training(place: Place, tmp_path: Path) -> None:
    place.write(KNN)
    argv = ["run", str(place.spec), "--runs", str(tmp_path / "none")]
    with redirect_stderr(io.StringIO()) as err:
        assert main(argv) in {1, 2}
    assert "this dataset needs a folder" in err.getvalue() or "--data" in err.getvalue()
    assert "step 1" not in err.getvalue()
    assert not (tmp_path / "none").exists()


def test_a_run_that_was_stopped_is_judged_where_it_stands(place: Place) -> None:
    stopped = Place(place.root / "stopped")
    stopped.root.mkdir()
    (stopped.root / "images").symlink_to(place.root / "images")
    stopped.write(KNN)
    assert stopped.ask("run", str(stopped.spec), "--steps", "1").status == 0
    answer = stopped.ask("eval", "latest", "--use", "effective-rank")
    assert answer.status == 0, answer.err
    assert stopped.results() == {"effective-rank step-0", "effective-rank step-1"}
    assert stopped.folder.state() is State.INTERRUPTED
    assert stopped.ask("run", str(stopped.spec)).status == 0
    assert stopped.folder.verify() == ()


# --- from Python ----------------------------------------------------------------------------------


def test_a_run_is_loaded_with_its_encoder_frozen(place: Place) -> None:
    run = eqspec.load("latest", runs=place.root / "kept", device="cpu")
    assert (run.path, run.step, run.plan.name) == (place.folder.path, 2, "toy")
    assert repr(run) == f"LoadedRun(path='{run.path}', step=2)"
    assert not run.encoder.training
    assert not any(p.requires_grad for p in run.encoder.parameters())
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    tokens = run.encoder(images)
    assert tokens.shape == (3, 17, 16)
    pooled = eqspec.features(run, images)
    expected = torch.cat([tokens[:, 0], tokens[:, 1:].mean(dim=1)], dim=1)
    torch.testing.assert_close(pooled, expected)
    torch.testing.assert_close(eqspec.features(run.encoder, images), pooled)
    assert [row.step for row in run.metrics] == [1, 2]
    assert {one.step for one in run.results} == {0, 2}


def test_another_checkpoint_has_other_weights(place: Place) -> None:
    images = torch.linspace(0, 1, 3 * 32 * 32).view(1, 3, 32, 32)
    first, last = (eqspec.load(place.folder.path, step=step) for step in (1, 2))
    assert not torch.equal(first.encoder(images), last.encoder(images))
    with pytest.raises(UsageError, match="no checkpoint of step 7"):
        eqspec.load(place.folder.path, step=7)


def test_features_of_folders_and_arrays_are_those_that_evaluations_read(place: Place) -> None:
    run = eqspec.load(place.folder.path)
    files = [place.root / "images" / "train" / name / f"{i}.png" for name in CLASSES
             for i in range(10)]  # fmt: skip
    arrays = np.stack([np.asarray(Image.open(file)) for file in files])
    folder = eqspec.features(run, place.root / "images" / "train", row="z_equi")
    assert folder.shape == (30, 16)
    torch.testing.assert_close(folder, eqspec.features(run, arrays, row="z_equi"))
    every = eqspec.features(run, place.root / "images", row="z_equi")
    assert len(every) == len(list((place.root / "images").rglob("*.png"))), "both splits"
    assert torch.equal(every[: len(folder)], folder)
    for wrong, says in (
        (torch.zeros(1, 3, 40, 32), r"\[n, 3, 32, 32\] with pixels"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "pixels in"),
        (np.zeros((1, 32, 32, 3)), "uint8"),
        (torch.full((1, 3, 32, 32), 255.0), r"in \[0, 1\], but these are from 255 to 255"),
    ):
        with pytest.raises(UsageError, match=says):
            eqspec.features(run, wrong)
    with pytest.raises(UsageError, match="no features `z_x`"):
        eqspec.features(run, arrays, row="z_x")


def test_an_audit_without_the_evaluation_data_says_that_they_cannot_be_read(place: Place) -> None:
    answer = place.ask("audit", "latest", "--level", "L1", "--json", data=False)
    findings = {one["about"]: one for one in json.loads(answer.out)["findings"]}
    assert findings["evaluation data"]["holds"] is None
    assert findings["evaluation data"]["message"].startswith("cannot be read here: ")
    assert answer.status == 3


def test_an_audit_says_where_the_protocol_of_a_result_is_unknown(
    place: Place, tmp_path: Path
) -> None:
    other = Place(tmp_path)
    shutil.copytree(place.root / "kept", tmp_path / "kept")
    shutil.copytree(place.root / "images", tmp_path / "images")
    for path in other.folder.evaluations.glob("knn-*.step-2.*"):
        path.rename(path.with_name(f"gone-00000000.step-2{path.suffix}"))
    (path,) = other.folder.evaluations.glob("gone-*.json")
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in stored.items() if k != "sha256"}))
    for name in ("record.json", "record.sha256"):
        (other.folder.path / name).unlink()
    answer = other.ask("audit", "latest", "--level", "L1", "--json")
    findings = {one["about"]: one for one in json.loads(answer.out)["findings"]}
    assert findings["evaluation data"]["holds"] is None
    assert "gone-00000000" in findings["evaluation data"]["message"]
