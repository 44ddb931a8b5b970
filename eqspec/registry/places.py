"""Folders of cards and specs: package data in a wheel, top-level folders in a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def registry_root() -> Path:
    """Return the folder of the cards that come with eqspec."""
    return _shipped("registry")


def specs_root() -> Path:
    """Return the folder of the specs that come with eqspec."""
    return _shipped("specs")


def _shipped(name: str) -> Path:
    packed = PACKAGE / f"_{name}"
    return packed if packed.is_dir() else PACKAGE.parent / name
