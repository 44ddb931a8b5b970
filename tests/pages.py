"""The Markdown pages of the repository: their blocks of code, links and headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docs.generate.pages import generated

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)|<img src=\"(?P<image>[^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def pages() -> dict[str, str]:
    """Return the text of every page by its path from the root, generated pages included."""
    found = {path.relative_to(ROOT).as_posix(): path.read_text() for path in _files()}
    return found | {f"docs/{path}": text for path, text in generated().items()}


def _files() -> Iterator[Path]:
    yield from ROOT.glob("*.md")
    for folder in ("docs", "registry", "runs", "specs"):
        yield from (ROOT / folder).rglob("README.md" if folder != "docs" else "*.md")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    return [Block(m["language"], m["text"]) for m in FENCE.finditer(text)]


def links(text: str) -> list[str]:
    """Return the targets of all links and images outside of fenced blocks."""
    return [m["target"] or m["image"] for m in LINK.finditer(FENCE.sub("", text))]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MkDocs name them."""
    return {anchor(heading) for heading in HEADING.findall(FENCE.sub("", text))}


def anchor(heading: str) -> str:
    """Return the anchor of a heading."""
    plain = re.sub(r"[^\w\s-]", "", heading.strip().lower())
    return re.sub(r"\s+", "-", plain.strip())
