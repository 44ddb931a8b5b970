"""Hooks of MkDocs: add the generated pages to the files that it reads from docs/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mkdocs.structure.files import File

from docs.generate.pages import generated

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every generated page."""
    for path, text in generated().items():
        files.append(File.generated(config, path, content=text))
    return files
