"""`eqspec diff` between finished runs and specs."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from tests.trained_runs import reseal

if TYPE_CHECKING:
    from tests.trained_runs import Runs


def test_says_what_changes_the_result_first(finished: Runs) -> None:
    answer = finished.ask("diff", "toy-base", finished.name())
    assert answer.status == 0
    titles = [line for line in answer.out.splitlines() if line and not line.startswith(" ")]
    assert [title.split()[0] for title in titles] == [
        "runs",
        "spec",
        "code",
        "environment",
        "data",
        "metrics",
        "metrics",
        "curves",
    ]
    assert titles[1] == "spec  1 changes the weights"
    (line,) = (x for x in answer.out.splitlines() if x.lstrip().startswith("equivariance"))
    assert line.split()[1:3] == ["none", "intermediate-reconstruction"]
    assert "B spec.yaml:6" in line
    assert answer.last == f"next: eqspec audit {finished.name()} --runs {finished.root}"


def test_of_a_run_with_itself_says_that_all_is_equal(finished: Runs) -> None:
    page = finished.ask("diff", finished.name(), str(finished.folder())).out
    assert "\nspec  the same\n" in page
    assert "\nenvironment  the same\n" in page
    assert "curves  equal bit for bit through step 4" in page


def test_as_json_and_markdown_has_both_sides_and_the_difference(finished: Runs) -> None:
    base, own = finished.name("toy-base"), finished.name()
    data = finished.ask("diff", base, own, "--json").data
    assert (data["a"]["name"], data["b"]["name"]) == (base, own)
    assert data["spec"][0]["matters"] == "weights"
    assert data["curves"]["parting"]["step"] == 1
    loss = next(m for m in data["metrics"] if (m["source"], m["name"]) == ("train", "loss"))
    assert loss["delta"] == loss["b"] - loss["a"]
    r2 = next(m for m in data["metrics"] if m["name"] == "r2")
    assert (r2["source"], r2["group"]) == ("r2", {"family": "rot", "border": "reflect"})
    assert r2["overlap"] in {True, False}
    table = finished.ask("diff", base, own, "--md").out
    assert f"|  | A  {base} | B  {own} |" in table
    assert "|  | A | B | Δ (B − A) |" in table


def test_takes_a_spec_for_a_run_that_is_not_there_yet(finished: Runs) -> None:
    spec = str(finished.root.parent / "toy.yaml")
    data = finished.ask("diff", spec, finished.name(), "--json").data
    assert data["spec"] == []
    assert data["a"]["state"] is None
    assert data["curves"] is None


def test_shows_every_metric_when_asked(finished: Runs) -> None:
    argv = ("diff", "toy-base", finished.name(), "--json")
    few, all_ = finished.ask(*argv).data["metrics"], finished.ask(*argv, "--all").data["metrics"]
    assert {m["name"] for m in few if m["source"] != "train"} == {"r2"}
    assert {"r2_weighted", "r2_constant"} <= {m["name"] for m in all_}


def test_counts_what_is_cosmetic(copied: Runs) -> None:
    path = copied.folder() / "plan.json"
    plan = json.loads(path.read_text())
    plan["resolved"]["machine"]["workers"] = 3
    other = copied.root / "toy" / "other"
    shutil.copytree(copied.folder(), other)
    (other / "plan.json").write_text(json.dumps(plan))
    reseal(other)
    page = copied.ask("diff", str(path.parent), str(other)).out
    assert "spec  0 change the weights · 1 cosmetic (machine.workers)" in page
