"""Where cards and specs lie: as package data in a wheel, at the top level in a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def registry_root() -> Path:
    """The folder of the cards that ship with eqspec."""
    return _shipped("registry")


def specs_root() -> Path:
    """The folder of the specs that ship with eqspec."""
    return _shipped("specs")


def _shipped(name: str) -> Path:
    packed = PACKAGE / f"_{name}"
    return packed if packed.is_dir() else PACKAGE.parent / name
