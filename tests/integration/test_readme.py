"""Commands and files named in pages exist, and numbers are those of the specs as they stand."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from benchmarks.marked import Marks
from benchmarks.torture import counts
from benchmarks.what_works import families, quickstart
from benchmarks.what_works.render import tables
from benchmarks.what_works.rows import rows
from benchmarks.what_works.study import FOUND, Study
from eqspec.cli.app import COMMANDS, app
from eqspec.cli.main import main
from eqspec.commands.planning.plans import plan_spec
from eqspec.registry.catalog import open_catalog
from eqspec.registry.places import specs_root
from tests.pages import DOCS, FENCE, ROOT, blocks, pages

if TYPE_CHECKING:
    from pathlib import Path

PAGES = pages()
README = PAGES["README.md"]
QUICKSTART = PAGES["docs/results/quickstart.md"]
CODE = re.compile(r"`(eqspec [^`]+)`|^(?:\$ )?(eqspec .+)$", re.MULTILINE)
MANY_NUMBERS = 10
LINES = 150


def commands(text: str) -> list[str]:
    """Return the eqspec commands of a page, in code spans and at the start of a line of code."""
    prose = re.sub(r"^eqspec .*$", "", FENCE.sub("", text), flags=re.MULTILINE)
    found = CODE.findall("\n".join((prose, *(block.text for block in blocks(text)))))
    return [re.split(r" +# | {3,}|… ", span or line)[0].strip() for span, line in found]


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_their_options_exist(page: str) -> None:
    known = app().commands
    for line in commands(PAGES[page]):
        _, name, *rest = shlex.split(line)
        if name.startswith("-") or name in {"X", "COMMAND"}:  # `eqspec --help`, `eqspec X`
            continue
        assert name in known, line
        options = {option for parameter in known[name].params for option in parameter.opts}
        given = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        negated = {f"--no-{o.removeprefix('--')}" for o in options}
        assert given <= options | negated | {"--help"}, line


def test_every_command_is_in_the_readme() -> None:
    assert {line.split()[1] for line in commands(README)} == set(COMMANDS)


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page: str) -> None:
    named = re.findall(
        r"`((?:docs|eqspec|specs|registry|tests|runs)/[\w./-]+\.(?:py|yaml|md|json))`", PAGES[page]
    )
    assert [
        n for n in named if not re.search(r"\b(?:X|NAME)\.", n) and not (ROOT / n).is_file()
    ] == []


@pytest.mark.parametrize("page", ["README.md", "docs/comparison.md"])
def test_the_comparison_counts_the_methods(page: str) -> None:
    """Variants of a method, as `vicreg_pooled`, are not counted."""
    names = open_catalog().names("methods")
    own = [n for n in names if not any(n.startswith(f"{other}_") for other in names)]
    assert f"| self-supervised methods | {len(own)} |" in PAGES[page]


def test_readme_is_short() -> None:
    assert README.count("\n") <= LINES


def test_every_make_target_named_in_a_page_exists() -> None:
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for page, text in PAGES.items():
        named = re.findall(r"(?:`|^\$ )make ([a-z-]+)", text, re.MULTILINE)
        assert set(named) <= set(targets), page


def test_the_spec_in_the_readme_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shown,) = (block.text for block in blocks(README) if block.language == "yaml")
    (tmp_path / "shown.yaml").write_text(shown)
    assert main(["check", str(tmp_path / "shown.yaml")]) == 0
    assert "warning" not in capsys.readouterr().err


def test_the_error_in_the_readme_is_what_a_misspelt_key_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (spec,) = (block.text for block in blocks(README) if block.language == "yaml")
    (shown,) = (block.text for block in blocks(README) if block.language == "text")
    (tmp_path / "first.yaml").write_text(spec.replace("lambda", "lamda"))
    command, _, error = shown.partition("\n")
    assert main(shlex.split(command)[2:]) == 2
    assert capsys.readouterr().err.strip() == error.strip()


def test_the_transcript_is_of_the_spec_as_it_stands() -> None:
    """A changed quickstart demands a new measurement."""
    for plan in plan_spec(specs_root() / "quickstart.yaml").in_order:
        assert f"`{plan.recipe[:8]}`" in QUICKSTART, plan.name
        assert f"{plan.train.steps * plan.train.batch:,}" in QUICKSTART


def test_the_numbers_in_the_readme_are_those_of_the_transcript() -> None:
    (transcript,) = (block.text for block in blocks(QUICKSTART) if block.language == "text")
    (table,) = re.findall(r"^\| \| rotation, .*?\n\n", README, re.MULTILINE | re.DOTALL)
    numbers = re.findall(r"[-−+]?\d+\.\d+", table)
    assert len(numbers) > MANY_NUMBERS
    known = set(re.findall(r"[-+]?\d+\.\d+", transcript))
    assert [n for n in numbers if n.replace("−", "-") not in known] == []


@pytest.mark.parametrize(("marks", "lines"), tuple(tables()), ids=lambda v: getattr(v, "name", ""))
def test_tables_of_results_are_rendered_from_recorded_measurements(
    marks: Marks, lines: tuple[str, ...]
) -> None:
    """`python -m benchmarks.what_works render` writes them again."""
    text = marks.page.read_text()
    assert lines[0] in text
    assert marks.replaced(text, lines) == text


def test_recorded_measurements_are_of_the_specs_as_they_stand() -> None:
    planned, run = plan_spec(specs_root() / "quickstart.yaml"), quickstart.recorded()
    assert {plan.recipe[:8] for plan in planned.in_order} == set(run.recipes.values())
    study = families.recorded()
    trained = plan_spec(specs_root() / "small" / "vicreg_families.yaml").in_order
    for budget, plans in ((run.budget, planned.in_order), (study.budget, trained)):
        assert {(plan.train.steps, plan.train.batch) for plan in plans} == {budget}
    assert len(trained) == sum(row.minutes is not None for row in study.rows)


def test_what_works_has_runs_of_the_specs_as_they_stand() -> None:
    """A spec without a run is `not run yet`; a run of another recipe is outdated."""
    study = Study.model_validate_json(FOUND.read_text())
    recipes = {plan.recipe for row in rows() for plan in (row.plan, row.base) if plan is not None}
    assert [run.recipe for run in study.runs if run.recipe not in recipes] == []


def test_fault_injection_is_rendered_from_its_counts() -> None:
    found = counts.Counts.model_validate_json(counts.FOUND.read_text())
    text = counts.MARKS.page.read_text()
    assert counts.MARKS.replaced(text, counts.table(found)) == text
    assert counts.MARKS.page.is_relative_to(DOCS)
