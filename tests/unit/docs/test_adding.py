"""The page on adding things is the one that the contracts give."""

from __future__ import annotations

from docs.generate.adding import PAGE, page


def test_the_committed_page_is_rendered_from_the_contracts() -> None:
    """`python -m docs.generate.adding` writes it again."""
    assert PAGE.read_text(encoding="utf-8") == page()
