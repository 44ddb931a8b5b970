"""Tests of what the entry point does around a command."""

from __future__ import annotations

import gc
import os

import pytest

from eqspec.__main__ import ENVIRONMENT, main


def test_they_are_set_unless_the_user_has_set_them(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"OMP_WAIT_POLICY": "ACTIVE"}
    monkeypatch.setattr(os, "environ", environment)
    seen: dict[str, str] = {}

    def command() -> int:
        seen.update(environment)
        return 0

    monkeypatch.setattr("eqspec.cli.main.main", command)
    try:
        assert main() == 0
    finally:
        gc.unfreeze()
    assert seen == {**ENVIRONMENT, "OMP_WAIT_POLICY": "ACTIVE"}


def test_python_exits_without_a_search_for_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eqspec.cli.main.main", lambda: 0)
    try:
        main()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
