"""Plans through the command line: what is to be done, saved plans, and when they are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eqspec.cli.main import main
from tests.command_line import Answer
from tests.toy_specs import BACKBONE, PATH, toy_text

JUDGED = """\
evaluate:
  - use: r2
    at: end
    with: {families: {rot: {use: rot}}, borders: [reflect], rows: [encoder], draws: 1, \
train_pairs: 24, heldout_pairs: 24, hidden: [8], epochs: 1, batch: 24, seeds: 1, controls: []}
compare: {base: {equivariance: none}}
machine: {compile: "off"}
"""


Ask = Callable[..., Answer]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Runs a command beside a toy spec with a base."""
    monkeypatch.chdir(tmp_path)
    text = toy_text("vicreg", equivariance=PATH, backbone=BACKBONE, batch=4, extra=JUDGED)
    Path("toy.yaml").write_text(text)

    def asked(*argv: str) -> Answer:
        capsys.readouterr()
        status = main(list(argv))
        out, err = capsys.readouterr()
        return Answer(status, out, err)

    return asked


def saved(ask: Ask) -> dict[str, Any]:
    """The plan file of the toy, as data."""
    assert ask("plan", "toy.yaml", "--no-trace", "-o", "toy.plan").status == 0
    return json.loads(Path("toy.plan").read_text())


def marks(ask: Ask, *argv: str) -> list[tuple[str, str]]:
    """(mark, stage) of a plan's own stages."""
    found = ask("plan", "toy.yaml", "--no-trace", "--json", *argv).data
    return [(stage["mark"], stage["name"]) for stage in found["stages"]]


def because(ask: Ask, *argv: str) -> list[str]:
    found = ask("plan", "toy.yaml", "--no-trace", "--json", *argv).data
    return [reason for stage in found["stages"] for reason in stage["because"]]


def test_a_saved_plan_runs_exactly_that_and_the_stages_say_what_is_left(ask: Ask) -> None:
    """One training and its base: planned, stopped, gone on with from the folder, asked again."""
    assert marks(ask) == [("+", "train"), ("+", "r2")]
    plan = saved(ask)
    assert list(plan["variants"]) == ["base"]
    Path("toy.yaml").write_text(Path("toy.yaml").read_text().replace("4 steps", "3 steps"))

    stopped = ask("run", "toy.plan", "--steps", "1")
    assert stopped.status == 0, stopped.err
    assert "next: eqspec run toy.plan" in stopped.err
    (folder,) = Path("runs/toy").iterdir()
    assert json.loads((folder / "plan.json").read_text()) == plan["plan"]
    assert folder.name.startswith(plan["plan"]["recipe"][:8])

    lines = because(ask)  # the spec has been edited since
    assert "train.length: 4 steps → 3 steps" in lines
    Path("toy.yaml").write_text(Path("toy.yaml").read_text().replace("3 steps", "4 steps"))
    assert marks(ask) == [("~", "train"), ("+", "r2")]
    assert because(ask) == ["it stopped after step 1 of 4, and continues from there"]

    assert ask("run", str(folder)).status == 0
    assert marks(ask) == [("=", "train"), ("=", "r2")]
    assert marks(ask, "--set", "seed=1") == [("+", "train"), ("+", "r2")]
    changed = ("--set", "evaluate.0.with.draws=2")
    assert marks(ask, *changed) == [("=", "train"), ("~", "r2")]
    assert because(ask, *changed) == ["draws: 1 → 2"]


def edited(plan: dict[str, Any], /, **changes: Any) -> None:
    Path("toy.plan").write_text(json.dumps({**plan, **changes}))


def source(plan: dict[str, Any], kind: str, what: str, /, **changes: Any) -> list[dict[str, Any]]:
    """The sources of a plan with one of them changed."""
    found = [s for s in plan["sources"] if (s["kind"], s["name"]) == (kind, what)]
    assert found, f"{kind} {what} is not among the sources"
    return [{**s, **changes} if s in found else s for s in plan["sources"]]


def test_what_a_plan_comes_from_must_be_as_it_was(ask: Ask) -> None:
    plan = saved(ask)
    cases = {
        "op terms/mse: rev 7 → 1": {"sources": source(plan, "op", "mse", rev=7)},
        "op evaluations/r2: its text differs, at the same rev": {
            "sources": source(plan, "op", "r2", sha256="0")
        },
        "card methods/vicreg: its text differs": {
            "sources": source(plan, "card", "vicreg", sha256="0")
        },
        "card methods/vicrag: is not there any more": {
            "sources": source(plan, "card", "vicreg", name="vicrag")
        },
        "schema of plans: 99 → 1": {"plan_schema": 99},
        "data photos: abc → ": {"data": "abc"},
        "is damaged": {"plan": {"name": "toy"}},
        "`toy.plan` is damaged": {"plan": {**plan["plan"], "seed": 7}},
        "is damaged: its content": {"spec": plan["spec"].replace("4 steps", "5 steps")},
    }
    for reported, changes in cases.items():
        edited(plan, **changes)
        answer = ask("run", "toy.plan")
        assert (answer.status, answer.out) == (3, ""), reported
        assert reported in answer.err
        assert " = help: " in answer.err, "which says what to do"
        assert "next: " not in answer.err, "`check` would find the same"
    assert not Path("runs").exists()


def test_a_torn_plan_is_damaged_and_no_spec(ask: Ask) -> None:
    saved(ask)
    whole = Path("toy.plan").read_text()
    Path("toy.plan").write_text(whole[: len(whole) // 2])
    answer = ask("run", "toy.plan")
    assert answer.status == 3
    assert "`toy.plan` is damaged" in answer.err


def test_a_plan_is_written_over_no_other_file(ask: Ask) -> None:
    spec = Path("toy.yaml").read_text()
    answer = ask("plan", "toy.yaml", "--no-trace", "-o", "toy.yaml")
    assert answer.status == 2
    assert "`toy.yaml` already exists and is not a plan" in answer.err
    assert Path("toy.yaml").read_text() == spec
    saved(ask)
    assert ask("plan", "toy.yaml", "--no-trace", "--set", "seed=3", "-o", "toy.plan").status == 0
    assert json.loads(Path("toy.plan").read_text())["plan"]["seed"] == 3


def test_another_commit_or_another_reading_of_the_spec_refuses_nothing(ask: Ask) -> None:
    saved(ask)
    Path("toy.yaml").unlink()
    answer = ask("plan", "toy.plan", "--no-trace", "--json")
    assert answer.status == 0
    assert answer.data["plan"]["name"] == "toy"
    assert [v["plan"]["name"] for v in answer.data["variants"]] == ["toy-base"]


def test_nothing_is_left_to_be_set_in_a_plan(ask: Ask) -> None:
    saved(ask)
    answer = ask("run", "toy.plan", "--set", "seed=1")
    assert answer.status == 2
    assert "nothing is left to be set" in answer.err


def test_a_card_beside_the_spec_is_part_of_the_plan(ask: Ask) -> None:
    card = Path("registry/transforms/rot.yaml")
    card.parent.mkdir(parents=True)
    body = (
        "card: transform\nrev: 1\nabout: Small rotations.\nimpl: rot\nparams: {degrees: [-5, 5]}\n"
    )
    card.write_text(body)
    saved(ask)
    assert ask("plan", "toy.plan", "--no-trace").status == 0
    card.write_text(body.replace("5]", "6]"))
    answer = ask("plan", "toy.plan", "--no-trace")
    assert answer.status == 3
    assert "card transforms/rot: its text differs" in answer.err


def test_the_graph_alone(ask: Ask) -> None:
    text = ask("plan", "toy.yaml", "--graph", "text").out
    assert text.startswith("graph\n")
    drawn = ask("plan", "toy.yaml", "--graph", "dot").out
    assert drawn.startswith('digraph "toy" {\n')
    assert drawn.endswith("}\n")
    assert drawn.count("{") == drawn.count("}")
    assert '"between" -> "term recon" [label="y", style=dashed' in drawn
    assert '"made" -> "term recon" [label="x"];' in drawn
    assert '"term recon" -> loss;' in drawn


def test_teachers_pass_no_gradient_in_the_picture(ask: Ask) -> None:
    Path("ibot.yaml").write_text(toy_text("ibot"))
    drawn = ask("plan", "ibot.yaml", "--graph", "dot").out
    edges = [line for line in drawn.splitlines() if "-> " in line]
    taught = [line for line in edges if '[label="teacher"' in line]
    learnt = [line for line in edges if '[label="student"' in line]
    assert taught
    assert learnt
    assert all("arrowhead=tee" in line for line in taught)
    assert not any("arrowhead=tee" in line for line in learnt)


def test_a_machine_says_how_long(ask: Ask) -> None:
    answer = ask("plan", "toy.yaml", "--on", "cpu_2cores", "--json")
    machine = answer.data["machine"]
    assert machine["fits"]
    assert machine["evidence"] == "measured"
    assert 0 < machine["hours"][0] < machine["hours"][1] < 1
    text = Path("toy.yaml").read_text()
    Path("plain.yaml").write_text(text.partition("evaluate:")[0])  # one graph to trace
    many = ask("plan", "plain.yaml", "--on", "a100_80gb_x16")
    assert many.err.splitlines()[-1].endswith(" --devices 16")
    page = " ".join(many.out.split())
    assert "a batch of 4 cannot be shared by 16 devices equally" in page
    assert "assumed share of the peak" in page
    unknown = ask("plan", "toy.yaml", "--on", "cpu_2core")
    assert unknown.status == 2
    assert "did you mean `cpu_2cores`?" in unknown.err
    both = ask("plan", "toy.yaml", "--on", "cpu_2cores", "--no-trace")
    assert both.status == 2


def test_the_papers_setting_is_planned_without_its_data(ask: Ask) -> None:
    found = ask("plan", "sie_all_trans", "--on", "a100_80gb_x16", "--json").data
    assert found["plan"]["train"]["steps"] == 800 * (1_281_167 // 2048)
    assert found["plan"]["train"]["lr"]["params"]["peak"] == pytest.approx(8e-4)
    assert found["machine"]["share"] == 128
    assert found["machine"]["fits"]
    # The paper: 179 s per epoch.
    hours = 800 * 179 / 3600
    assert 0.9 * hours < found["machine"]["hours"][0] < found["machine"]["hours"][1] < 1.1 * hours


def test_the_page_shows_which_features_evaluations_share(ask: Ask) -> None:
    evaluate = (
        "evaluate=[{use: knn, at: end, with: {data: cifar10, train_images: 1000}}, "
        "{use: linear-probe, at: end, with: {data: cifar10}}, "
        "{use: linear-probe-images, at: end, with: {data: cifar10}}]"
    )
    answer = ask("plan", "toy.yaml", "--no-trace", "--set", evaluate)
    assert answer.status == 0, answer.err
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    images = "all training and all held-out images"
    assert f"pooled features cifar10 {images} for knn, linear-probe" in lines
    held_back = "labels; 10 % of the training files held back"
    assert f"fine-tuning cifar10 {held_back} for linear-probe-images" in lines
    planned = ask("plan", "toy.yaml", "--no-trace", "--json", "--set", evaluate).data["plan"]
    stages = [[s["stage"] for s in one["stages"]] for one in planned["evaluations"]]
    assert stages == [["features", "readout"], ["features", "readout"], ["fine-tune"]]
    first, second = (one["stages"][1]["features"] for one in planned["evaluations"][:2])
    assert first == second
