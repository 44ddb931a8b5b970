"""A spec without `train`, through the command line: published weights judged, shown and kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

import eqspec
from eqspec.build.weights import hub
from tests.command_line import Answer, ask
from tests.integration.test_eval import write_images
from tests.published_files import LAYOUTS, VIT, encoder, state, store
from tests.published_specs import pictures, spec_text
from tests.toy_specs import SMALL
from tests.trained_runs import REST

RANK = "{use: effective-rank, at: end}"
LABELLED = (
    "{use: knn, at: end, with: {k: [3], data: image-folder}}",
    "{use: linear-probe, at: end, with: {data: image-folder, epochs: 2, batch: 8, lrs: [0.01]}}",
)
R2 = REST.partition("compare:")[0]


@dataclass(frozen=True)
class Place:
    """Weights in the layout of MAE, and a spec that judges them."""

    root: Path

    @property
    def spec(self) -> Path:
        return self.root / "judged.yaml"

    def ask(self, *argv: str) -> Answer:
        return ask(*argv, "--runs", str(self.root / "runs"))

    def write(self, **options: Any) -> None:
        text = spec_text(self.root / "mae.pth", LAYOUTS["mae"].params, **options)
        evaluated = "".join(f"  - {one}\n" for one in (RANK, *LABELLED))
        self.spec.write_text(text.partition("evaluate:")[0] + R2 + evaluated)

    @property
    def folder(self) -> Path:
        (path,) = (self.root / "runs" / "judged").iterdir()
        return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A finished run."""
    built = Place(tmp_path_factory.mktemp("published"))
    write_images(built.root / "images")
    store(built.root / "mae.pth", LAYOUTS["mae"])
    built.write()
    data = ("--data", f"image-folder={built.root / 'images'}")
    answer = built.ask("run", str(built.spec), *data, "--json")
    assert answer.status == 0, answer.err
    (built.root / "table.json").write_text(answer.out)
    return built


def test_every_evaluation_stands_beside_an_untrained_encoder(place: Place) -> None:
    tables = json.loads((place.root / "table.json").read_text())["tables"]
    rows = {t["evaluation"]: [row["name"] for row in t["rows"]] for t in tables}
    assert rows == {
        "r2": ["untrained", "block-grid", "judged"],
        "effective-rank": ["untrained", "judged"],
        "knn": ["untrained", "judged"],
        "linear-probe": ["untrained", "judged"],
    }
    (rank,) = (t for t in tables if t["evaluation"] == "effective-rank")
    values = [row["measurements"][0]["value"] for row in rank["rows"]]
    assert values[0] != values[1], "two encoders were judged"


def test_an_audit_evaluates_them_again(place: Place) -> None:
    data = ("--data", f"image-folder={place.root / 'images'}")
    answer = place.ask("audit", "latest", "--level", "L4", *data, "--json")
    found = {f["about"]: f for f in answer.data["findings"] if f["level"] == "L4"}
    kinds = [name.rpartition("-")[0].rpartition("-")[0] for name in found]
    assert sorted(kinds) == ["effective-rank", "knn", "linear-probe", "r2"]
    assert {f["holds"] for f in found.values()} == {True}, found
    assert "bit for bit" in next(iter(found.values()))["message"]


def test_the_run_keeps_the_weights_and_says_how_it_took_them(place: Place) -> None:
    run = eqspec.load(place.folder)
    inside = encoder(LAYOUTS["mae"].params)
    images = pictures().clamp(0, 1)
    mean, std = (torch.tensor(v)[:, None, None] for v in (run.plan.views.mean, run.plan.views.std))
    with torch.no_grad():
        wanted = inside(images=(images - mean) / std)
        torch.testing.assert_close(run.encoder(images), wanted, rtol=1e-6, atol=1e-6)
    assert run.plan.views.mean == (0.485, 0.456, 0.406)
    assert eqspec.features(run, images).shape == (2, 64)
    log = (place.folder / "log.txt").read_text()
    assert "published weights: layout `mae`, part `encoder`: 30 tensors matched" in log
    assert "of decoder" in log
    record = json.loads((place.folder / "record.json").read_text())
    assert (record["status"], record["step"]) == ("finished", 0)


def test_pages_tell_no_lies_of_a_training(place: Place) -> None:
    plan = place.ask("plan", str(place.spec))
    assert "none of them trained" in plan.out
    assert "layout `mae`, part `encoder`: 30 tensors matched" in plan.out
    shown, listed = place.ask("show", "latest"), place.ask("status")
    assert "nothing to train, finished" in shown.out
    assert "as published" in shown.out
    for reported in (plan, shown, listed, ask("check", str(place.spec))):
        assert reported.status == 0, reported.err
        assert "Traceback" not in reported.err
        for lie in ("0 steps", "step 0", "0/0", "learning rate", "(untrained)", "for training"):
            assert lie not in reported.out, lie
    same = place.ask("diff", "latest", str(place.spec))
    assert "the same" in same.out
    leaf = ask("explain", str(place.spec), "backbone.init")
    assert leaf.status == 0, leaf.err


def test_an_audit_reads_the_published_weights_anew(place: Place) -> None:
    data = place.ask("audit", "latest", "--json").data
    levels = {one["about"]: one["holds"] for one in data["findings"]}
    assert levels["replay"] is True
    assert levels["files"] is True
    assert levels["spec"] is True


def test_the_same_command_does_nothing_again_and_again_repeats_it(place: Place) -> None:
    data = ("--data", f"image-folder={place.root / 'images'}")
    before = (place.folder / "record.sha256").read_text()
    assert place.ask("run", str(place.spec), *data).status == 0
    assert (place.folder / "record.sha256").read_text() == before
    evaluated = place.ask("eval", "latest", *data, "--json")
    assert evaluated.status == 0, evaluated.err
    assert len(evaluated.data["tables"]) == 4


def test_a_run_goes_on_without_the_file_once_it_has_taken_it(tmp_path: Path) -> None:
    """The folder keeps the weights: it can be judged anew where the file is gone."""
    built = Place(tmp_path)
    store(tmp_path / "mae.pth", LAYOUTS["mae"])
    built.spec.write_text(spec_text(tmp_path / "mae.pth", LAYOUTS["mae"].params))
    assert built.ask("run", str(built.spec)).status == 0
    (tmp_path / "mae.pth").unlink()
    for result in (built.folder / "evaluations").glob("*.step-0.*"):
        result.unlink()
    again = built.ask("run", str(built.folder))
    assert again.status == 0, again.err
    refused = built.ask("run", str(built.spec))
    assert refused.status == 2
    assert "the published weights are not here" in refused.err
    checked = ask("check", str(built.spec))
    assert checked.status == 0, "it can be planned without them"
    assert "warning[EQ513]: the weights" in checked.err, "check announces that run will stop"
    audit = built.ask("audit", "latest", "--json").data
    assert {f["about"]: f["holds"] for f in audit["findings"]}["spec"] is None


def test_a_training_that_goes_on_from_published_weights_is_compared_with_its_start(
    tmp_path: Path,
) -> None:
    store(tmp_path / "mae.pth", LAYOUTS["mae"])
    text = spec_text(tmp_path / "mae.pth", LAYOUTS["mae"].params)
    text += f"method: {{use: vicreg, with: {SMALL['vicreg']}}}\n"
    text += 'train: {length: 2 steps, batch: 8}\nmachine: {compile: "off"}\n'
    (tmp_path / "judged.yaml").write_text(text)
    answer = Place(tmp_path).ask("run", str(tmp_path / "judged.yaml"), "--json")
    assert answer.status == 0, answer.err
    (table,) = answer.data["tables"]
    assert [row["name"] for row in table["rows"]] == ["untrained", "start", "judged"]
    (effort,) = answer.data["efforts"]
    assert effort["samples"] == 16


def test_a_grid_varies_the_weights(tmp_path: Path) -> None:
    files = [tmp_path / f"{seed}.pth" for seed in (7, 8)]
    for seed, file in zip((7, 8), files, strict=True):
        torch.save(state(VIT, seed=seed), file)  # noqa: TID251 - as its publishers do
    (tmp_path / "judged.yaml").write_text(spec_text(files[0], VIT))
    grid = f"init={files[0]},{files[1]}"
    answer = Place(tmp_path).ask("ablate", str(tmp_path / "judged.yaml"), "--grid", grid)
    assert answer.status == 0, answer.err
    assert len(list((tmp_path / "runs" / "judged").iterdir())) == 2


WRONG = """\
schema: 1
data: {use: photos}
augment: {use: all}
backbone: {use: vit_micro_patch8, init: nowhere.pth}
method: {use: vicreg}
equivariance: {use: intermediate-reconstruction, transform: {use: rot}}
init_from: elsewhere.safetensors
evaluate: [{use: effective-rank, every: 2 epochs}]
"""


def test_keys_of_a_training_are_refused_together(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(WRONG)
    answer = ask("check", str(tmp_path / "wrong.yaml"))
    assert answer.status == 2
    for key in ("method", "augment", "equivariance", "init_from", "evaluate[0].every"):
        assert f"`{key}`" in answer.err, key
    assert answer.err.count("[EQ023]") == 5
    (tmp_path / "bare.yaml").write_text(
        "schema: 1\ndata: {use: photos}\nbackbone: {use: vit_tiny_patch16}\n"
    )
    bare = ask("check", str(tmp_path / "bare.yaml"))
    assert "missing key `train`" in bare.err
    assert "missing key `method`" in bare.err


def test_a_name_of_timms_hub_is_fetched_by_run_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = spec_text("timm:vit_tiny_patch16_224.augreg_in21k", VIT)
    (tmp_path / "judged.yaml").write_text(text)
    place = Place(tmp_path)
    other = ask("check", str(place.spec))
    assert other.status == 2, "this one wants other pixels"
    assert "wants pixels normalised by mean [0.5, 0.5, 0.5]" in other.err
    place.spec.write_text(text.replace("vit_tiny_patch16_224.augreg_in21k", "vit_smal_224.dino"))
    assert "did you mean" in ask("check", str(place.spec)).err
    place.spec.write_text(text.replace("tiny_patch16_224.augreg_in21k", "small_patch16_224.dino"))
    assert "not on this machine yet" in place.ask("plan", str(place.spec)).out
    assert "EQ513" not in ask("check", str(place.spec)).err, "run downloads them"
    refused = place.ask("run", str(place.spec))
    assert refused.status == 2
    assert "could not be reached" in refused.err
    torch.save(state(VIT), tmp_path / "w.bin")  # noqa: TID251 - as its publishers do
    asked: list[str] = []

    def download(repository: str, file: str) -> str:
        asked.append(f"{repository}/{file}")
        if file.endswith(".safetensors"):
            raise hub.EntryNotFoundError(file)
        return str(tmp_path / "w.bin")

    monkeypatch.setattr(hub.huggingface_hub, "hf_hub_download", download)
    done = place.ask("run", str(place.spec))
    assert done.status == 0, done.err
    files = ("model.safetensors", "pytorch_model.bin")
    assert asked == [f"timm/vit_small_patch16_224.dino/{file}" for file in files]
