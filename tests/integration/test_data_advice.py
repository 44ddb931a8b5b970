"""Commands on a run whose data was located by `--data`: advice, `diff`, `eval` and `audit`."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command_line import Answer, ask
from tests.integration.test_eval import BACKBONE, RANK, write_images
from tests.integration.test_eval import Place as Photos
from tests.toy_specs import toy_text


@dataclass(frozen=True)
class Place:
    """A toy spec for any folder of images, and its runs."""

    root: Path

    @property
    def spec(self) -> Path:
        return self.root / "toy.yaml"

    def ask(self, *argv: str) -> Answer:
        return ask(*argv, "--runs", str(self.root / "kept"))

    def located(self, *argv: str) -> Answer:
        return self.ask(*argv, "--data", str(self.root / "images"))

    def follow(self, answer: Answer) -> Answer:
        """The suggested command, with the folder filled in."""
        command = shlex.split(answer.last.removeprefix("next: eqspec "))
        assert "--data" in command, answer.last
        folder = str(self.root / "images")
        return ask(*(part.replace("=DIR", f"={folder}") for part in command))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    built = Place(tmp_path)
    write_images(built.root / "images")
    extra = 'evaluate: [{use: effective-rank, at: end}]\nmachine: {compile: "off"}'
    built.spec.write_text(toy_text("vicreg", backbone=BACKBONE, extra=extra))
    return built


def finish(place: Place) -> None:
    answer = place.located("run", str(place.spec))
    assert answer.status == 0, answer.err


def test_a_stopped_run_is_continued_with_its_data(place: Place) -> None:
    assert place.located("run", str(place.spec), "--steps", "2").status == 0
    page = place.ask("show", "latest")
    assert "eqspec run" in page.last
    again = place.follow(page)
    assert again.status == 0, again.err
    assert "finished" in place.ask("show", "latest").out


def test_a_finished_run_is_audited_with_its_data(place: Place) -> None:
    finish(place)
    page = place.ask("show", "latest")
    assert "eqspec audit" in page.last
    audit = place.follow(page)
    assert audit.status == 0, audit.out
    compared = place.located("diff", str(place.spec), "latest")
    assert place.follow(compared).status == 0


def test_a_spec_is_compared_with_a_run_on_the_same_data(place: Place) -> None:
    finish(place)
    same = place.located("diff", str(place.spec), "latest", "--json").data
    assert same["spec"] == []
    assert same["data"]["a"] == same["data"]["b"] is not None
    other = place.located("diff", str(place.spec), "latest", "--json", "--set", "train.batch=4")
    assert [one["path"] for one in other.data["spec"]] == ["train.batch"]


def test_two_runs_take_no_overrides(place: Place) -> None:
    finish(place)
    answer = place.ask("diff", "latest", "latest", "--set", "seed=1")
    assert answer.status == 2
    assert "both of these are runs" in answer.err


def test_a_spec_of_another_recipe_gets_advice_that_eval_can_follow(place: Place) -> None:
    finish(place)
    edited = place.root / "edited.yaml"
    edited.write_text(place.spec.read_text().replace("batch: 8", "batch: 4"))
    answer = place.located("eval", "latest", "--spec", str(edited))
    assert answer.status == 3
    assert "--fork" not in answer.err
    assert "`--use` names evaluations" in answer.err


@pytest.mark.parametrize(
    ("uses", "where"),
    [(("knnn",), "<cli>:--use:1:1"), (("effective-rank", "knnn"), "<cli>:--use #2:1:1")],
)
def test_a_misspelt_card_is_located_in_its_option(
    place: Place, uses: tuple[str, ...], where: str
) -> None:
    finish(place)
    given = [part for use in uses for part in ("--use", use)]
    answer = place.located("eval", "latest", *given)
    assert answer.status == 2
    assert f"--> {where}" in answer.err
    assert "did you mean `knn`?" in answer.err


def test_a_misspelt_parameter_is_located_in_the_resolved_spec(place: Place) -> None:
    """It exists, and its line is that of the evaluation."""
    finish(place)
    answer = place.located(
        "eval", "latest", "--set", "evaluate.0.use=knn", "--set", "evaluate.0.x=1"
    )
    assert answer.status == 2
    assert "<cli>:--set #2:1:1" in answer.err
    assert "toy.yaml" not in answer.err


def test_an_added_training_of_too_large_a_batch_is_refused_at_its_option(place: Place) -> None:
    finish(place)
    answer = place.located("eval", "latest", "--use", "linear-probe-dino")
    assert answer.status == 2
    assert "EQ021" in answer.err
    assert "<cli>:--use:1:1" in answer.err
    assert "--set evaluate.0.with.batch=30" in answer.err
    small = ("batch=30", "blocks=[1]", "length=2 steps")
    sets = [part for one in small for part in ("--set", f"evaluate.0.with.{one}")]
    added = place.located("eval", "latest", "--use", "linear-probe-dino", *sets)
    assert added.status == 0, added.err
    audit = place.located("audit", "latest", "--level", "L4")
    assert audit.status == 0, audit.out


def test_an_audit_without_the_data_says_how_to_give_it(place: Place) -> None:
    finish(place)
    audit = place.ask("audit", "latest", "--level", "L4")
    assert audit.status == 3
    assert "--level L4" in audit.last
    again = place.follow(audit)
    assert again.status == 0, again.out


def test_an_audit_of_files_alone_is_not_suggested_again(place: Place) -> None:
    assert place.located("run", str(place.spec), "--steps", "2").status == 0
    (journal,) = (place.root / "kept").rglob("metrics.jsonl")
    journal.write_text("")
    audit = place.ask("audit", "latest", "--level", "L0")
    assert audit.status == 3
    assert audit.last.startswith("next: eqspec show toy/")


def test_data_that_only_an_added_evaluation_reads_are_audited(tmp_path: Path) -> None:
    photos = Photos(tmp_path)
    write_images(photos.root / "images")
    photos.write(RANK)
    assert photos.ask("run", str(photos.spec), data=False).status == 0
    sets = ("--set", "evaluate.0.with.k=[3]", "--set", "evaluate.0.with.data=image-folder")
    assert photos.ask("eval", "latest", "--use", "knn", *sets).status == 0
    assert photos.ask("show", "latest", data=False).last.endswith(
        f"--data image-folder=DIR --runs {photos.root / 'kept'}"
    )
    audit = photos.ask("audit", "latest", "--level", "L4")
    assert audit.status == 0, audit.out


def test_the_next_command_has_the_folder_that_an_earlier_one_was_given(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is remembered in the cache, where a run folder that is published does not show it."""
    monkeypatch.setenv("EQSPEC_CACHE", str(tmp_path / "cache"))
    given = ask("run", str(place.spec), "--data", "images", "--runs", str(tmp_path / "kept"))
    assert given.status == 0, given.err
    located = f"--data image-folder={place.root / 'images'} "
    for command in (("show", "latest"), ("audit", "latest")):
        assert located in place.ask(*command).last
    followed = place.follow(place.ask("audit", "latest"))
    assert followed.status == 0, followed.out
    files = (path for path in (tmp_path / "kept").rglob("*") if path.is_file())
    assert not [path for path in files if str(place.root / "images").encode() in path.read_bytes()]
    (place.root / "images").rename(place.root / "moved")
    assert "--data image-folder=DIR " in place.ask("show", "latest").last


def test_without_a_cache_the_folder_is_to_be_filled_in(place: Place) -> None:
    finish(place)
    assert "--data image-folder=DIR " in place.ask("show", "latest").last


@pytest.fixture
def remembered(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A finished run whose folder the cache remembers."""
    monkeypatch.setenv("EQSPEC_CACHE", str(place.root / "cache"))
    finish(place)
    return place


@pytest.mark.parametrize("argv", [("show", "latest"), ("diff", "latest", "latest"), ("status",)])
def test_an_edited_run_is_audited_with_the_remembered_folder(
    remembered: Place, argv: tuple[str, ...]
) -> None:
    (result,) = (remembered.root / "kept").rglob("*.step-4.json")
    result.write_text(result.read_text().replace("0", "1"))
    answer = remembered.ask(*argv)
    run, located = result.parents[1], f"--data image-folder={remembered.root / 'images'}"
    name = run.relative_to(run.parents[1])
    assert answer.last == f"next: eqspec audit {name} {located} --runs {run.parents[1]}"
    assert remembered.follow(answer).status == 3


def test_an_evaluation_is_repeated_with_the_remembered_folder(remembered: Place) -> None:
    answer = remembered.ask("eval", "latest", "--use", "effective-rank")
    assert answer.status == 2
    assert answer.last.startswith("next: eqspec eval latest --use effective-rank --runs ")
    assert answer.last.endswith(f" --data image-folder={remembered.root / 'images'}")
    assert remembered.follow(answer).status == 0
    (run,) = (remembered.root / "kept" / "toy").iterdir()
    answer = remembered.ask("run", str(run), "--steps", "3", "--retry")
    assert answer.status == 2
    assert " --retry --steps 3 --data image-folder=" in answer.last
    assert remembered.follow(answer).status == 0


def test_without_a_remembered_folder_the_state_of_runs_is_suggested(place: Place) -> None:
    finish(place)
    answer = place.ask("eval", "latest")
    assert (answer.status, answer.last[:19]) == (2, "next: eqspec status")


def test_a_remembered_folder_is_short(remembered: Place) -> None:
    """Through no folder and back; a link is kept, as what it leads to may change."""
    images = remembered.root / "images"
    (remembered.root / "link").symlink_to(images)
    for given, kept in ((images / ".." / "images", images), (remembered.root / "link",) * 2):
        assert remembered.ask("eval", "latest", "--data", str(given)).status == 0
        assert f"--data image-folder={kept} " in remembered.ask("show", "latest").last


@pytest.mark.parametrize("name", ["", "image-folder="])
def test_of_two_folders_the_one_given_last_is_remembered(remembered: Place, name: str) -> None:
    """With its name or without: the first was given without."""
    moved = (remembered.root / "images").rename(remembered.root / "moved")
    write_images(remembered.root / "images")
    for folder in (moved, remembered.root / "images", moved):
        given = ("eval", "latest", "--use", "effective-rank", "--data", f"{name}{folder}")
        assert remembered.ask(*given).status == 0
        name = "" if name else "image-folder="
        last = remembered.ask("show", "latest").last
        assert f" --data image-folder={folder} " in last
        assert last.count("--data") == 1
