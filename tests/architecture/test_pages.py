"""Every link of a page leads to a file, and every page of docs/ is in the navigation."""

from __future__ import annotations

import posixpath

from docs.generate.pages import generated
from eqspec.spec.source import read_yaml
from tests.pages import DOCS, ROOT, anchors, links, pages


def broken(page: str, target: str, *, known: dict[str, str]) -> bool:
    """Whether a link of a page, given by its path from the root, leads nowhere."""
    if target.startswith(("https://", "mailto:")):
        return False
    path, _, fragment = target.partition("#")
    file = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
    if file not in known:
        return bool(fragment) or not (ROOT / file).exists()
    return bool(fragment) and fragment not in anchors(known[file])


def test_every_link_leads_somewhere() -> None:
    known = pages()
    assert [
        f"{page}: {target}"
        for page, text in known.items()
        for target in links(text)
        if broken(page, target, known=known)
    ] == []


def test_pages_of_the_site_link_only_to_the_site() -> None:
    """MkDocs does not copy what is outside of docs/."""
    outside = [
        f"{page}: {target}"
        for page, text in pages().items()
        for target in links(text)
        if page.startswith("docs/") and target.startswith("../" * page.count("/"))
    ]
    assert outside == []


def test_readme_links_to_no_generated_page() -> None:
    """Those exist in the built site only."""
    built = {f"docs/{path}" for path in generated()}
    assert built.isdisjoint(links((ROOT / "README.md").read_text()))


def test_every_page_is_in_the_navigation_once() -> None:
    config = read_yaml((ROOT / "mkdocs.yml").read_text(), name="mkdocs.yml")
    listed = sorted(_leaves(config.data["nav"]))
    below = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    assert listed == sorted([*below, *generated()])


def _leaves(node: object) -> list[str]:
    match node:
        case str():
            return [node]
        case list():
            return [leaf for each in node for leaf in _leaves(each)]
        case dict():
            return [leaf for each in node.values() for leaf in _leaves(each)]
    raise AssertionError(node)


def test_these_rules_recognise_a_broken_link() -> None:
    known = {"docs/a.md": "# A title: of `two` words\n", "docs/b.md": ""}
    assert not broken("docs/b.md", "a.md#a-title-of-two-words", known=known)
    assert broken("docs/b.md", "a.md#another", known=known)
    assert broken("docs/b.md", "c.md", known=known)
    assert links("[x](a.md) `code` ![y](images/z.png)") == ["a.md", "images/z.png"]
