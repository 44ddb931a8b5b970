"""A table between two marks of a page in docs/results/, rendered by a program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"


@dataclass(frozen=True, slots=True)
class Marks:
    """The place of a table.

    Attributes:
        name: of the table, as the marks give it.
        page: the file that contains it.
    """

    name: str
    page: Path

    @property
    def begin(self) -> str:
        """Return the line before the table."""
        return f"<!-- {self.name}: begin -->"

    @property
    def end(self) -> str:
        """Return the line after the table."""
        return f"<!-- {self.name}: end -->"

    def replaced(self, page: str, lines: Iterable[str]) -> str:
        """Return the text of a page with other lines between the marks."""
        before, _, rest = page.partition(self.begin)
        _, _, after = rest.partition(self.end)
        return "\n".join([f"{before}{self.begin}", *lines, f"{self.end}{after}"])
