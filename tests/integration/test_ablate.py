"""Studies through the command line: what is made, what is skipped, and that no stop loses any."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command_line import Answer, ask
from tests.toy_specs import PATH, toy_text
from tests.trained_runs import BACKBONE, REST

ROOT = Path(__file__).parents[2]

GRID = ("--grid", "lambda=1,5", "--seeds", "2")

CHILD = """
import os, sys
from eqspec.cli.main import main

class Tripwire:
    '''stderr; this process sends itself a signal as soon as it has said certain words.'''
    def __init__(self, stream, words, number):
        self.stream, self.words, self.number = stream, words, number
    def write(self, text):
        self.stream.write(text)
        if self.words in text:
            os.kill(os.getpid(), self.number)
    def __getattr__(self, name):
        return getattr(self.stream, name)

sys.stderr = Tripwire(sys.stderr, sys.argv[1], int(sys.argv[2]))
sys.exit(main(sys.argv[3:]))
"""


def _ablate(spec: Path, *arguments: str) -> Answer:
    runs = ("--runs", str(spec.parent / "runs"))
    return ask("ablate", str(spec), *arguments, *runs)


def _toy(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "toy.yaml"
    path.write_text(toy_text("vicreg", equivariance=PATH, backbone=BACKBONE, batch=4, extra=REST))
    return path


def _marks(answer: Answer) -> str:
    return "".join(line[0] for line in answer.out.splitlines() if line[:1] in set("+=~"))


@dataclass(frozen=True)
class Story:
    """A study of two points with two seeds.

    Attributes:
        planned: before anything is made.
        made: by the command.
        again: by the same command once more.
        left: the plan after all of that.
    """

    spec: Path
    planned: Answer
    built: Answer
    again: Answer
    left: Answer

    @property
    def csv(self) -> Path:
        return self.spec.parent / "numbers.csv"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    spec = _toy(tmp_path_factory.mktemp("study"))
    planned = _ablate(spec, *GRID, "--dry-run")
    built = _ablate(spec, *GRID, "--csv", str(spec.parent / "numbers.csv"))
    again = _ablate(spec, *GRID)
    return Story(spec, planned, built, again, left=_ablate(spec, *GRID, "--dry-run"))


def test_a_plan_changes_nothing_and_says_what_there_is_to_do(story: Story) -> None:
    assert story.planned.status == 0
    assert _marks(story.planned) == "++++"
    assert "4 runs: 4 to start; 16 steps left." in story.planned.out
    assert "--dry-run" not in story.planned.last
    assert story.planned.last.startswith("next: eqspec ablate")


def test_the_whole_grid_is_made_once_before_the_next_seed(story: Story) -> None:
    assert story.built.status == 0, story.built.err
    begun = [line for line in story.built.err.splitlines() if " 4 steps in " in line]
    assert [line.partition(":")[0] for line in begun] == [
        "1/4 lambda=1 s0",
        "2/4 lambda=5 s0",
        "3/4 lambda=1 s1",
        "4/4 lambda=5 s1",
    ]
    assert story.built.out.count("±") >= 2
    assert "*" in story.built.out


def test_what_is_done_is_not_made_again_and_the_table_is_the_same(story: Story) -> None:
    assert story.again.status == 0
    assert story.again.out == story.built.out
    assert "steps in" not in story.again.err
    assert "4 runs: 4 done; 0 steps left." in story.again.err
    assert _marks(story.left) == "===="


def test_every_number_of_every_run_is_in_the_csv(story: Story) -> None:
    head, *rows = story.csv.read_text().splitlines()
    assert head == "point,lambda,seed,evaluation,metric,of,value,recipe,folder"
    named = Counter(row.partition(",")[0] for row in rows)
    measured = 1 + 2  # by one evaluation, and seconds and operations
    of_seeds = {"lambda=1": 2 * measured, "lambda=5": 2 * measured}
    assert named == {"untrained": 2, "block-grid": 2, **of_seeds}
    assert all(Path(row.rpartition(",")[2]).is_dir() for row in rows)


def test_a_wider_grid_makes_only_what_is_missing(story: Story) -> None:
    wider = _ablate(story.spec, "--grid", "lambda=1,5", "--grid", "split=0.5,0.25", "--dry-run")
    assert _marks(wider) == "=+=+"
    data = _ablate(story.spec, "--grid", "lambda=1", "--dry-run", "--json").data
    assert [(run["mark"], run["state"]) for run in data["runs"]] == [("=", "finished")]


def test_the_specs_own_run_is_a_point_of_its_grid(story: Story) -> None:
    folder = _ablate(story.spec, "--grid", "lambda=1", "--dry-run", "--json").data
    runs = ("--runs", str(story.spec.parent / "runs"))
    planned = ask("plan", str(story.spec), "--no-trace", "--json", *runs).data
    assert planned["folder"] == folder["runs"][0]["folder"]


def test_untrained_encoders_are_judged_once_per_seed_and_stand_above_the_points(
    story: Story,
) -> None:
    assert story.built.err.count("untrained encoder") == 2
    table = [line.split() for line in story.built.out.splitlines()]
    names = [words[0] for words in table if words and words[0] in {"untrained", "1", "5"}]
    assert names[:3] == ["untrained", "1", "5"]


def test_the_variants_of_a_spec_are_an_axis_and_their_runs_those_of_run(tmp_path: Path) -> None:
    spec, runs = _toy(tmp_path), ("--runs", str(tmp_path / "runs"))
    both = "compare: {base: {equivariance: none}, weak: {equivariance.lambda: 0.1}}"
    spec.write_text(spec.read_text().replace("compare: {base: {equivariance: none}}", both))
    built = ask("run", str(spec), *runs)
    assert built.status == 0, built.err
    assert _marks(_ablate(spec, "--grid", "variant", "--dry-run")) == "==="
    more = _ablate(spec, "--grid", "variant=weak,base", "--seeds", "2", "--dry-run", "--json").data
    assert [run["mark"] for run in more["runs"]] == ["~", "=", "+", "+"]
    assert more["runs"][0]["points"] == [{"variant": "weak"}]


def _stopped(spec: Path, *arguments: str, number: signal.Signals) -> Answer:
    """A study in a process of its own that gets a signal in the middle of its second run."""
    asked = ("ablate", str(spec), *GRID, "--runs", str(spec.parent / "runs"), *arguments)
    words = "2/4 lambda=5 s0: step 2 of 4"
    child = (sys.executable, "-c", CHILD, words, str(int(number)), *asked)
    done = subprocess.run(child, cwd=ROOT, capture_output=True, text=True, check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


def test_a_study_that_was_killed_goes_on_and_ends_the_same(story: Story, tmp_path: Path) -> None:
    spec, numbers = _toy(tmp_path), ("--csv", str(tmp_path / "numbers.csv"))
    killed = _stopped(spec, *numbers, number=signal.SIGKILL)
    assert killed.status == -9, killed.err
    rows = (tmp_path / "numbers.csv").read_text().splitlines()[1:]
    named = list(dict.fromkeys(row.partition(",")[0] for row in rows))
    assert named == ["untrained", "block-grid", "lambda=1"]
    assert _marks(_ablate(spec, *GRID, "--dry-run")).startswith("=")
    ended = _ablate(spec, *GRID, *numbers)
    assert ended.status == 0, ended.err
    assert _untimed(ended.out) == _untimed(story.built.out)
    here = (tmp_path / "numbers.csv").read_text()
    here = here.replace(str(tmp_path), str(story.spec.parent))
    assert _untimed(here) == _untimed(story.csv.read_text())


def _untimed(text: str) -> list[str]:
    """The lines of tables before that of the cost, and of a CSV file those without seconds."""
    lines = text.partition("\ncost\n")[0].splitlines()
    return [line for line in lines if ",seconds_per_step," not in line]


def test_the_cost_of_a_step_stands_beside_the_results(story: Story) -> None:
    _, _, cost = story.built.out.partition("\ncost\n")
    assert "s per step" in cost
    assert "FLOP / plain" not in cost  # no point is without a rewrite
    assert "Lower is better" in cost
    *_, flops = [row for row in story.csv.read_text().splitlines() if ",gflops_per_sample," in row]
    assert float(flops.split(",")[6]) > 0


def test_operations_are_shown_over_those_of_the_plain_method(tmp_path: Path) -> None:
    done = _ablate(_toy(tmp_path), "--grid", "variant", "--json")
    assert done.status == 0, done.err
    rows = [r for r in done.data["table"] if r["metric"] == "flops_over_plain"]
    shares = {r["point"]["variant"]: r["mean"] for r in rows}
    assert shares["base"] == 1
    assert shares["toy"] > 1
    assert not any(row["highest"] for row in rows)


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    spec = _toy(tmp_path)
    stopped = _stopped(spec, number=signal.SIGINT)
    assert stopped.status == 130, stopped.err
    assert stopped.last.startswith(f"next: eqspec ablate {spec} --grid")
    plan = _ablate(spec, *GRID, "--dry-run")
    assert _marks(plan) == "=~++"
    assert "2 of 4 steps saved, interrupted" in plan.out


def test_a_run_that_fails_does_not_keep_the_others_from_being_made(tmp_path: Path) -> None:
    spec = _toy(tmp_path)
    calls = ",".join(f"{{impl: sgd, params: {{lr: {lr}}}}}" for lr in ("1e30", "1e-3"))
    grid = ("--grid", f"train.optimizer={calls}")
    answer = _ablate(spec, *grid)
    assert answer.status == 1
    assert "1 run failed:" in answer.err
    assert "0/1" in answer.out
    assert answer.last.startswith("next: eqspec ablate")
    assert answer.last.endswith(" --retry")
    planned = _ablate(spec, *grid, "--dry-run", "--retry", "--stop-on-failure")
    assert _marks(planned) == "~="
    assert planned.last.endswith(" --retry --stop-on-failure")
    again = _ablate(spec, *grid, "--retry")
    assert again.status == 1
    shown, folder = again.last.rsplit(" ", 1)
    assert shown == "next: eqspec show"
    assert "failed: " in (Path(folder) / "log.txt").read_text()
    stopped = _ablate(spec, *grid, "--stop-on-failure")
    assert stopped.status == 1
    assert "0/1" not in stopped.out


def test_a_wrong_grid_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    spec = _toy(tmp_path)
    answer = _ablate(spec, "--grid", "lambda=1,x", "--grid", "d_equi=8,64")
    assert answer.status == 2
    assert "equivariance.lambda=x" in answer.err
    assert answer.err.count("error[") == 2
    assert answer.last == "next: eqspec ablate --help"
    assert not (tmp_path / "runs").exists()


def test_a_csv_that_cannot_be_written_is_known_before_any_training(tmp_path: Path) -> None:
    spec = _toy(tmp_path)
    answer = _ablate(spec, "--grid", "lambda=1,5", "--csv", str(spec / "numbers.csv"))
    assert answer.status == 1
    assert "cannot write" in answer.err
    assert not (tmp_path / "runs").exists()
