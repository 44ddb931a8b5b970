"""`eqspec status` and `eqspec show` of runs; what only looks at them waits for no torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from eqspec.runs import checkpoint
from eqspec.runs.folder import RunFolder
from tests.command_line import ask
from tests.trained_runs import Runs, reseal

ROOT = Path(__file__).parents[2]

NONE = "there is no run, card or op "

HEAVY = ("torch", "torchvision", "timm", "sklearn", "skimage")


def test_is_a_line_per_run(finished: Runs) -> None:
    title, columns, *rows = finished.ask("status").out.splitlines()
    assert title == "runs"
    assert columns.split() == ["run", "state", "step", "seed", "last", "result", "on", "disk"]
    assert [row.split()[:4] for row in rows] == [
        [finished.name(spec), "finished", "4/4", "0"] for spec in ("toy", "toy-base")
    ]
    assert all("r2 rot reflect" in row for row in rows)


def test_tells_how_far_a_stopped_and_a_running_run_are(copied: Runs) -> None:
    (copied.folder() / "record.json").unlink()
    with RunFolder.open(copied.folder("toy-base")).hold() as live:
        live.beat(step=2)
        page = copied.ask("status").out
    stopped, running = (line for line in page.splitlines() if "/4" in line)
    assert "interrupted" in stopped
    assert "running, heartbeat 0 s ago" in running


def test_names_what_has_got_another_rev_since(copied: Runs) -> None:
    path = next(copied.folder().glob("evaluations/*.step-4.json"))
    result = json.loads(path.read_text())
    result["facts"]["rev"] = 0
    path.write_text(json.dumps(result))
    reseal(copied.folder())
    answer = copied.ask("status")
    assert "\nstale  the rev of an op or a card has been raised since\n" in answer.out
    assert "  op evaluations/r2  rev 0 → " in answer.out
    assert "(stale)" in answer.out
    (found,) = copied.ask("status", "--json").data["runs"][0]["stale"]
    assert (found["name"], found["was"]) == ("evaluations/r2", 0)


def test_without_runs_shows_the_way_to_one(tmp_path: Path) -> None:
    answer = ask("status", "--runs", str(tmp_path))
    assert (answer.status, answer.out) == (0, "")
    assert answer.last == f"next: eqspec run quickstart --runs {tmp_path}"


@pytest.mark.parametrize(
    "command",
    [("show", "latest"), ("audit", "latest"), ("eval", "latest"), ("run", "latest"),
     ("diff", "latest", "latest")],
)  # fmt: skip
def test_the_latest_of_no_runs_is_neither_card_nor_spec(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    answer = ask(*command, "--runs", str(tmp_path))
    assert answer.status == 2
    assert answer.err.startswith(f"error: there are no runs in `{tmp_path}`")
    assert "did you mean" not in answer.err
    assert "start one with `eqspec run SPEC`, or name the folder of your runs" in answer.err
    assert answer.last != "next: eqspec --help"


def test_shows_a_run_where_no_card_has_the_name(finished: Runs) -> None:
    page = finished.ask("show", finished.name())
    assert page.status == 0
    assert page.out.startswith(finished.name())
    for part in ("step 4 of 4, finished", "vicreg", "r2 encoder rot reflect", "metrics.jsonl"):
        assert part in page.out
    assert page.last == f"next: eqspec audit {finished.name()} --runs {finished.root}"
    assert finished.ask("show", "vicreg").out.startswith("methods/vicreg  card")


def test_of_a_stopped_run_says_how_to_go_on(copied: Runs) -> None:
    (copied.folder() / "record.json").unlink()
    answer = copied.ask("show", str(copied.folder()))
    assert answer.last == f"next: eqspec run {copied.folder()}"


def test_of_what_could_be_several_runs_lists_them(finished: Runs) -> None:
    answer = finished.ask("show", "to")
    assert answer.status == 2
    assert [line.strip() for line in answer.err.splitlines()[1:3]] == [
        finished.name("toy"),
        finished.name("toy-base"),
    ]


def test_the_exact_name_of_a_spec_means_its_run_though_another_begins_with_it(
    finished: Runs,
) -> None:
    assert finished.ask("show", "toy").out.splitlines()[0] == finished.name("toy")
    assert finished.ask("audit", "toy", "--level", "L0").status == 0
    assert finished.ask("diff", "toy", "toy-base", "--json").data["a"]["name"] == finished.name(
        "toy"
    )


def test_as_json(finished: Runs) -> None:
    data = finished.ask("show", finished.name(), "--json").data
    assert data["status"]["run"]["name"] == finished.name()
    assert data["saved"] == list(checkpoint.steps(finished.folder() / "checkpoints"))


def test_looking_needs_no_torch(finished: Runs) -> None:
    runs = ["--runs", str(finished.root)]
    lines = [
        ["status", *runs],
        ["show", "latest", *runs],
        ["diff", finished.name("toy-base"), finished.name(), *runs],
        ["audit", "latest", "--level", "L0", *runs],
        ["gc", "--dry-run", *runs],
    ]
    code = f"""
import sys
from eqspec.cli.main import main
for argv in {lines!r}:
    assert main(argv) == 0, argv
    heavy = [name for name in {HEAVY!r} if name in sys.modules]
    assert not heavy, (argv, heavy)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "message", "then"),
    [
        ("", "the name of the run is empty", "status"),
        ("toy", "", "audit"),
        ("to", "`to` matches several runs:", "status"),
        (
            "{id}x",
            NONE + "`{id}x`\n = help: did you mean `toy/{id}`",
            "status",
        ),
        ("latst", NONE + "`latst`\n = help: did you mean `latest`", "status"),
        ("vicrg", NONE + "`vicrg`\n = help: did you mean `vicreg`", "list"),
    ],
)
def test_a_name_to_show_may_be_of_a_run(finished: Runs, name: str, message: str, then: str) -> None:
    name, message = (text.format(id=finished.folder().name) for text in (name, message))
    answer = finished.ask("show", name)
    assert answer.err.removeprefix("error: ").startswith(message)
    assert answer.last.startswith(f"next: eqspec {then}")


def test_an_empty_name_is_not_the_only_run(copied: Runs) -> None:
    """As of a variable of the shell that is not set."""
    shutil.rmtree(copied.folder("toy-base").parent)
    for command in (("show", ""), ("eval", ""), ("audit", " "), ("diff", "", "latest")):
        answer = copied.ask(*command)
        assert answer.status == 2, answer.out
        assert "the name of the run is empty" in answer.err


def test_of_many_runs_some_are_named(copied: Runs) -> None:
    base = copied.folder("toy-base")
    for seed in range(1, 5):
        shutil.copytree(base, base.with_name(f"{base.name[:-1]}{seed}"))
    error = copied.ask("eval", "999999").err
    assert f"there are: {copied.name('toy')}" not in error
    assert f"{base.name[:-1]}4, and 1 more, which `eqspec status` lists\n" in error
    shutil.rmtree(copied.folder().parent)
    assert f"{base.name[:-1]}4\n" in copied.ask("eval", "999999").err
