"""A table between two marks of a page, which a script writes and nobody edits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "README.md"


@dataclass(frozen=True, slots=True)
class Marks:
    """Where a table stands, by its name."""

    name: str

    @property
    def begin(self) -> str:
        """The line before it."""
        return f"<!-- {self.name}: begin -->"

    @property
    def end(self) -> str:
        """The line after it."""
        return f"<!-- {self.name}: end -->"

    def replaced(self, page: str, lines: Iterable[str]) -> str:
        """A page with other lines between the marks."""
        before, _, rest = page.partition(self.begin)
        _, _, after = rest.partition(self.end)
        return "\n".join([f"{before}{self.begin}", *lines, f"{self.end}{after}"])
