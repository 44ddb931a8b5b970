"""Evaluation of a rewrite's predictor by the command line: run, compared, audited, refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import Answer, ask
from tests.fake_objects import DATA, objects
from tests.toy_specs import BACKBONE, RECORDED_REWRITES, TINY_BACKBONE, toy_text

EVALUATION = "{use: predictor-retrieval-small, at: end, with: {others: 3, heldout_images: 20}}"

REST = f"""\
evaluate: [{EVALUATION}]
compare: {{other: {{equivariance.lambda: 0.5}}}}
machine: {{compile: "off", workers: 0}}
"""


def toy(folder: Path, rewrite: str, *, rest: str, method: str = "vicreg_sie") -> Path:
    text = toy_text(
        method, equivariance=RECORDED_REWRITES[rewrite], backbone=TINY_BACKBONE, batch=4, extra=rest
    )
    path = folder / "toy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def results(runs: Path) -> dict[str, dict[str, float]]:
    """File of a result → its numbers."""
    return {
        path.name: {m["name"]: m["value"] for m in json.loads(path.read_text())["metrics"]}
        for path in sorted(runs.glob("toy/*/evaluations/predictor*.json"))
    }


def run(spec: Path, *more: str) -> Answer:
    done = ask("run", str(spec), "--runs", str(spec.parent / "runs"), *more)
    assert done.status == 0, done.err
    return done


def test_sie_is_measured_beside_its_floors_and_again_by_an_audit(tmp_path: Path) -> None:
    spec = toy(
        tmp_path, "sie", rest=REST.replace("compare: {other: {equivariance.lambda: 0.5}}\n", "")
    )
    done = run(spec)
    assert "views found by predicted representations" in done.out
    assert "untrained" in done.out
    found = results(tmp_path / "runs")
    assert [name.rpartition(".step-")[2] for name in found] == ["0.json", "4.json"]
    for numbers in found.values():
        assert 0 < numbers["mrr"] <= 1
        assert numbers["mrr_identity"] == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)
        assert numbers["error"] > 0
    (folder,) = (tmp_path / "runs" / "toy").iterdir()
    audited = ask("audit", str(folder), "--level", "L4", "--json")
    assert (audited.status, audited.data["levels"]["L4"]) == (0, True), audited.out
    checked = [f for f in audited.data["findings"] if f["about"].startswith("predictor")]
    assert len(checked) == 2
    assert all("the same bit for bit" in one["message"] for one in checked)


def test_two_runs_of_one_task_are_compared_and_each_has_an_untrained_floor(tmp_path: Path) -> None:
    done = run(toy(tmp_path, "equimod", rest=REST))
    assert "untrained" in done.out
    assert "MRR" in done.out
    evaluated = sorted(p.name for p in (tmp_path / "runs").glob("*/*/evaluations/*step-0.json"))
    assert len(evaluated) == 2


def test_stored_views_are_predicted_from_the_first_by_what_is_stored(tmp_path: Path) -> None:
    data = objects(tmp_path / "data", train=20, heldout=6, views=4, latents=7, side=40)
    spec = tmp_path / "toy.yaml"
    spec.write_text(f"""\
schema: 1
data: {DATA}
backbone: {BACKBONE}
method: {{use: vicreg_pooled, with: {{projector.widths: [24, 24, 24]}}}}
equivariance: {{use: sie, transform: {{use: object_rotation}}, split: 0.5}}
train: {{length: 4 steps, batch: 8}}
evaluate: [{{use: predictor-retrieval, at: end}}]
machine: {{compile: "off", workers: 0}}
""")
    run(spec, "--data", str(data))
    (path,) = (tmp_path / "runs").glob("toy/*/evaluations/predictor*.step-4.json")
    facts = json.loads(path.read_text())["facts"]
    assert (facts["others"], facts["heldout_images"]) == (3, 6)
    assert facts["task"].startswith("stored views;")


@pytest.mark.parametrize("rewrite", ["path", "e-ssl", "augself", "care", "ser", "cross-attention"])
def test_a_rewrite_without_predictor_is_refused_where_the_evaluation_is(
    rewrite: str, tmp_path: Path
) -> None:
    method = "simclr" if rewrite in {"care", "ser"} else "vicreg_sie"
    spec = toy(tmp_path, rewrite, rest=f"evaluate: [{EVALUATION}]", method=method)
    refused = ask("check", str(spec), "--json")
    assert refused.status == 2
    (problem,) = [d for d in refused.data["diagnostics"] if d["code"] == "EQ024"]
    assert "makes none" in problem["message"]
    assert "`sie`" in problem["help"]


def test_a_spec_without_rewrite_is_refused(tmp_path: Path) -> None:
    text = toy_text("simclr", extra=f"evaluate: [{EVALUATION}]")
    spec = tmp_path / "toy.yaml"
    spec.write_text(text)
    refused = ask("check", str(spec))
    assert refused.status == 2
    assert "the spec has no rewrite" in refused.err


def with_own_card(folder: Path, *, old: str, new: str, rest: str = "") -> tuple[Path, int]:
    """A spec with an edited copy of SIE's card, and the first line that was edited."""
    cards = folder / "registry" / "equivariance"
    cards.mkdir(parents=True)
    own = Path("registry/equivariance/sie.yaml").read_text(encoding="utf-8")
    assert own.count(old) == 1
    (cards / "mine.yaml").write_text(own.replace(old, new), encoding="utf-8")
    spec = toy(folder, "sie", rest=rest)
    spec.write_text(spec.read_text().replace("use: sie,", "use: mine,"))
    return spec, own[: own.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("to: equi_p_1}", "to: equi_q_1}", "there is no stream `equi_q_1`"),
        ("to: equi_p_1}", "to: inv}", "so this cannot be"),
        ("output: equi_predicted", "output: equi_p", "a prediction is [B, D]"),
        ("action: actions,", "action: equi_p_1,", "does not depend on `equi_p_1`"),
    ],
)
def test_a_card_that_names_a_wrong_stream_is_refused_at_its_line(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    spec, line = with_own_card(tmp_path, old=old, new=new)
    refused = ask("check", str(spec))
    assert refused.status == 2, refused.out
    assert message in refused.err
    assert f"mine.yaml:{line}:" in refused.err


def test_a_predictor_that_no_term_depends_on_is_refused_where_it_is_evaluated(
    tmp_path: Path,
) -> None:
    added = "    spare: {view: 1, of: equi_p}\n  terms:\n    equivariance:       {impl"
    rest = f"evaluate: [{EVALUATION}]"
    spec, _ = with_own_card(
        tmp_path, old="  terms:\n    equivariance:       {impl", new=added, rest=rest
    )
    card = spec.parent / "registry" / "equivariance" / "mine.yaml"
    card.write_text(card.read_text().replace("to: equi_p_1}", "to: spare}", 1))
    refused = ask("check", str(spec))
    assert refused.status == 2, refused.out
    assert "EQ024" in refused.err
    assert "no term depends on the predictor" in refused.err
    spec.write_text(spec.read_text().replace(rest, ""))
    assert ask("check", str(spec)).status == 0
