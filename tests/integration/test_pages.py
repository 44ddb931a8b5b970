"""Pages of commands know no terminal: the screen and Markdown show the same cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from eqspec.cli.render.blocks import drawn
from eqspec.commands.audit import page as audit_page
from eqspec.commands.audit import suite_page
from eqspec.commands.audit.levels import Level, audit
from eqspec.commands.audit.suite import Suite
from eqspec.commands.diff import page as diff_page
from eqspec.commands.diff.differences import diff
from eqspec.commands.gc import page as gc_page
from eqspec.commands.gc.collect import gc
from eqspec.commands.show import run_page
from eqspec.commands.show.run import show_run
from eqspec.commands.status import page as status_page
from eqspec.commands.status.overview import status
from eqspec.report.tables.block import Block, lines_of
from eqspec.report.tables.markdown import markdown
from tests.trained_runs import Runs

PAGES: dict[str, Callable[[Runs], Iterable[Block]]] = {
    "status": lambda runs: status_page.blocks(status(runs.root)),
    "show": lambda runs: run_page.blocks(show_run(runs.folder(), root=runs.root)),
    "audit": lambda runs: audit_page.blocks(
        audit(runs.folder(), root=runs.root, level=Level.INTACT)
    ),
    "audit-suite": lambda runs: suite_page.blocks(
        Suite(runs.root, Level.INTACT, (audit(runs.folder(), root=runs.root, level=Level.INTACT),))
    ),
    "diff": lambda runs: diff_page.blocks(diff(runs.name(), runs.name("toy-base"), root=runs.root)),
    "gc": lambda runs: gc_page.blocks(gc(runs.root, dry_run=True), dry_run=True),
}


@pytest.mark.parametrize("command", PAGES)
def test_screen_and_markdown_show_the_same_cells(finished: Runs, command: str) -> None:
    blocks = list(PAGES[command](finished))
    cells = [str(line) for b in blocks for row in b.rows for cell in row for line in lines_of(cell)]
    assert cells or command == "gc", "nothing is left to remove of a finished run"
    on_screen, page = drawn(blocks, width=None).plain, markdown(blocks)
    for text in (*cells, *(block.title for block in blocks)):
        assert text.strip() in on_screen
        assert text.strip().replace("|", "\\|").replace("\n", " ") in page
