"""Damaged images of evaluation data: results name them, and `audit` compares them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from eqspec.cli.main import main
from eqspec.ops import image_files
from tests.command_line import ask
from tests.fake_datasets import save
from tests.toy_specs import toy_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BACKBONE = (
    "{card: backbone, rev: 1, about: A toy transformer., impl: vit, "
    "params: {patch: 8, width: 16, depth: 1, heads: 2}}"
)
TRAIN, HELD_OUT = 16, 12
DAMAGED = (1, 5)
"""Of the held-out images, of whose content the fingerprint takes every third from the first on."""


@pytest.fixture(autouse=True)
def _few_are_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "HASHED", 4)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for i in range(TRAIN):
        save(root / "train" / f"{i:02d}.png")
    for i in range(HELD_OUT):
        save(root / "val" / f"{i:02d}.png")
    return root


@pytest.fixture
def train(tmp_path: Path, pictures: Path) -> Callable[..., int]:
    text = toy_text("vicreg", backbone=BACKBONE)
    text += '\nmachine: {compile: "off"}\nevaluate: [{use: effective-rank, at: end}]\n'
    (tmp_path / "toy.yaml").write_text(text)

    def run(runs: str = "runs", *more: str) -> int:
        spec, place = tmp_path / "toy.yaml", ("--runs", str(tmp_path / runs))
        place = (*place, "--set", "data.with.unreadable=2")
        return main(["run", str(spec), "--data", str(pictures), *place, *more])

    return run


def held_out(pictures: Path, number: int) -> Path:
    return pictures / "val" / f"{number:02d}.png"


def damage(path: Path) -> bytes:
    """Blanks a file at the same size; returns what was there."""
    whole = path.read_bytes()
    path.write_bytes(bytes(len(whole)))
    return whole


def the_run(runs: Path) -> Path:
    (found,) = (runs / "toy").iterdir()
    return found


def facts(run: Path) -> list[dict[str, Any]]:
    paths = sorted(run.glob("evaluations/*.json"))
    assert paths
    return [json.loads(path.read_text())["facts"] for path in paths]


def audited(run: Path, pictures: Path, level: str = "L1") -> tuple[int, list[dict[str, Any]]]:
    answer = ask("audit", str(run), "--level", level, "--data", str(pictures), "--json")
    findings = answer.data["findings"]
    about = [f for f in findings if f["about"] == "evaluation data" or f["level"] == "L4"]
    return answer.status, about


def test_a_result_of_whole_images_says_nothing_of_them(
    train: Callable[..., int], tmp_path: Path, pictures: Path
) -> None:
    assert train() == 0
    run = the_run(tmp_path / "runs")
    assert all("replaced" not in name for reported in facts(run) for name in reported)
    _, (found,) = audited(run, pictures)
    assert found["holds"], found
    fingerprint_scope = f"names and sizes of all {HELD_OUT} images, content of 4"
    assert found["message"] == f"the same held-out images; of image-folder, {fingerprint_scope}"


def test_replaced_images_are_facts_of_the_result_whatever_was_read_before(
    train: Callable[..., int], tmp_path: Path, pictures: Path
) -> None:
    for number in DAMAGED:
        damage(held_out(pictures, number))
    damage(pictures / "train" / "03.png")
    assert train() == 0
    reported = facts(the_run(tmp_path / "runs"))
    named = [{"number": n, "name": f"{n:02d}.png"} for n in DAMAGED]
    assert [one["replaced_images"] for one in reported] == [2] * len(reported)
    assert [one["replaced"] for one in reported] == [{"held-out": named}] * len(reported)
    assert train("stopped", "--steps", "3") == 0
    assert train("stopped") == 0
    assert facts(the_run(tmp_path / "stopped")) == reported


def test_an_image_that_was_repaired_is_named(
    train: Callable[..., int], tmp_path: Path, pictures: Path
) -> None:
    whole = {number: damage(held_out(pictures, number)) for number in DAMAGED}
    assert train() == 0
    run = the_run(tmp_path / "runs")
    _, (found,) = audited(run, pictures)
    assert found["holds"], found
    assert "2 could not be decoded and were replaced, as here: 01.png, 05.png" in found["message"]
    held_out(pictures, 5).write_bytes(whole[5])
    status, (found, *results) = audited(run, pictures, "L4")
    assert status == 3
    assert found["holds"] is False
    repaired = {"name": "held-out: 05.png", "recorded": "replaced", "here": "can be read"}
    assert found["disagreements"] == [repaired]
    assert results
    for result in results:
        assert result["holds"] is False
        assert "other damaged images than here" in result["message"]
        count = {"name": "replaced images", "recorded": "2", "here": "1"}
        assert result["disagreements"] == [count, repaired]


def test_an_image_that_was_damaged_since_is_found_where_evaluations_are_made_again(
    train: Callable[..., int], tmp_path: Path, pictures: Path
) -> None:
    assert train() == 0
    damage(held_out(pictures, 7))
    status, (_, *results) = audited(the_run(tmp_path / "runs"), pictures, "L4")
    assert status == 3
    damaged = {"name": "held-out: 07.png", "recorded": "can be read", "here": "replaced"}
    assert [damaged in result["disagreements"] for result in results] == [True] * len(results)


def test_other_held_out_images_are_found(
    train: Callable[..., int], tmp_path: Path, pictures: Path
) -> None:
    assert train() == 0
    held_out(pictures, 4).unlink()
    status, (found,) = audited(the_run(tmp_path / "runs"), pictures)
    assert (status, found["holds"]) == (3, False)
    assert [d["name"] for d in found["disagreements"]] == ["held-out images of image-folder"]


def test_pages_name_the_replaced_images(
    train: Callable[..., int],
    tmp_path: Path,
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in DAMAGED:
        damage(held_out(pictures, number))
    assert train() == 0
    runs = ("--runs", str(tmp_path / "runs"))
    name = the_run(tmp_path / "runs").relative_to(tmp_path / "runs").as_posix()
    pages = [
        capsys.readouterr().out,
        ask("show", name, *runs).out,
        ask("eval", name, "--data", str(pictures), *runs).out,
        ask("diff", name, name, *runs).out,
    ]
    sentence = (
        "2 images of `effective-rank` could not be decoded and were replaced by others: "
        "held-out 01.png, held-out 05.png."
    )
    assert [sentence in " ".join(page.split()) for page in pages] == [True] * 4


def test_pages_say_where_held_out_images_differ(
    train: Callable[..., int],
    tmp_path: Path,
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec = tmp_path / "toy.yaml"
    spec.write_text(f"{spec.read_text()}compare: {{base: {{seed: 1}}}}\n")
    assert train() == 0
    root, runs = tmp_path / "runs", ("--runs", str(tmp_path / "runs"))
    base, toy = (next((root / n).iterdir()).relative_to(root) for n in ("toy-base", "toy"))
    held_out(pictures, 4).unlink()
    (edited,) = (root / toy).glob("evaluations/*.step-4.json")
    edited.write_text(edited.read_text().replace('"value":', '"value": 1', 1))
    capsys.readouterr()
    assert train() == 0, capsys.readouterr().err
    table = " ".join(capsys.readouterr().out.split())
    different = (
        "were measured by `effective-rank` on different held-out images: their numbers cannot be "
        "compared."
    )
    assert f"untrained, base and toy {different}" in table
    shown = " ".join(ask("show", str(toy), *runs).out.split())
    assert shown.count(f"step 0 and step 4 {different}") == 1
    compared = " ".join(ask("diff", str(base), str(toy), *runs).out.split())
    assert f"A and B {different}" in compared
