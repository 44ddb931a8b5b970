"""The cards and ops that are recorded in tests/golden, which is what eqspec ships.

A new card or op needs no other file to be tried: what is compared with recorded text, or asked of
everything that ships, is skipped for it until `pytest tests/golden --update-golden` records it.
`make test` passes `--require-recorded`, so that nothing is released without these tests.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from eqspec.registry.cards import FAMILIES
from eqspec.registry.catalog import open_catalog

GOLDEN = Path(__file__).parent / "golden"
CARDS = GOLDEN / "cards.json"
NUMERICS = GOLDEN / "numerics.json"


def statuses() -> dict[str, str | None]:
    """Every card of the registry, as `family/name`, with its status; None where it has none."""
    catalog = open_catalog()
    return {
        f"{family}/{name}": getattr(catalog.card(kind, name).model, "status", None)
        for family, kind in sorted(FAMILIES.items())
        for name in catalog.names(family)
    }


@cache
def recorded_statuses() -> dict[str, str | None]:
    """The recorded cards and their status."""
    return json.loads(CARDS.read_text(encoding="utf-8"))


def recorded_cards(family: str) -> tuple[str, ...]:
    """The recorded cards of a family, by name."""
    found = (key.partition("/") for key in recorded_statuses())
    return tuple(name for of, _, name in found if of == family)


@cache
def recorded_ops(family: str) -> tuple[str, ...]:
    """The ops of a family whose numbers are recorded, by name."""
    found = (key.partition("/") for key in json.loads(NUMERICS.read_text(encoding="utf-8")))
    return tuple(name for of, _, name in found if of == family)


def skip_unrecorded(name: str, *, request: pytest.FixtureRequest) -> None:
    """Skip a test of something that is not recorded; fail it where that is required."""
    message = f"{name} is not recorded yet: pytest tests/golden --update-golden"
    if request.config.getoption("--require-recorded"):
        pytest.fail(message)
    pytest.skip(message)
