"""What the README says can be typed, opened and was measured with the spec as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from benchmarks.torture import counts
from benchmarks.what_works import page
from benchmarks.what_works.rows import rows
from benchmarks.what_works.study import FOUND, Study
from eqspec.cli.app import COMMANDS, app
from eqspec.commands.planning.plans import plan_spec
from eqspec.registry.places import specs_root

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "specs/README.md", "registry/README.md", "runs/README.md")
README = (ROOT / "README.md").read_text()
CODE = re.compile(r"`(eqspec [^`]+)`|^\$ (eqspec .+)$", re.MULTILINE)


def typed(text: str) -> list[str]:
    """Commands of eqspec in code spans, after a prompt, and in blocks of commands."""
    block = re.findall(r"^(eqspec .+? +#)", text, re.MULTILINE)
    return [(a or b).strip() for a, b in CODE.findall(text)] + [b.rstrip(" #") for b in block]


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_their_options_exist(page: str) -> None:
    known = app().commands
    for line in typed((ROOT / page).read_text()):
        _, name, *rest = shlex.split(line)
        if not name.isalpha() or name == "X":  # `eqspec --help`, `eqspec X`
            continue
        assert name in known, line
        options = {option for parameter in known[name].params for option in parameter.opts}
        given = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        assert given <= options | {"--help"}, line


def test_every_command_is_in_the_readme() -> None:
    said = {line.split()[1] for line in typed(README)}
    assert set(COMMANDS) <= said


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page: str) -> None:
    text = (ROOT / page).read_text()
    named = re.findall(
        r"`((?:eqspec|specs|registry|tests|runs)/[\w./-]+\.(?:py|yaml|md|json))`", text
    )
    missing = [p for p in named if "X." not in p and not (ROOT / p).is_file()]
    assert not missing


def test_the_transcript_is_of_the_spec_as_it_stands() -> None:
    """Whoever changes what the quickstart trains measures it anew."""
    for plan in plan_spec(specs_root() / "quickstart.yaml").in_order:
        assert f"`{plan.recipe[:8]}`" in README, plan.name
        assert f"{plan.train.steps * plan.train.batch:,}" in README


def test_what_works_is_made_from_runs_of_the_specs_as_they_stand() -> None:
    study = Study.model_validate_json(FOUND.read_text())
    assert page.MARKS.replaced(README, page.table(study)) == README
    run = {found.recipe for found in study.runs}
    assert [row.name for row in rows() if row.plan.recipe not in run] == []


def test_what_was_tried_is_as_it_was_counted() -> None:
    found = counts.Counts.model_validate_json(counts.FOUND.read_text())
    assert counts.MARKS.replaced(README, counts.table(found)) == README
