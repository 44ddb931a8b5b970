"""Tests of the variables that the command line sets before torch is imported."""

from __future__ import annotations

import os

import pytest

from eqspec.__main__ import ENVIRONMENT, main


def test_they_are_set_unless_the_user_has_set_them(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    monkeypatch.setattr(os, "environ", {**others, "OMP_WAIT_POLICY": "ACTIVE"})
    seen: dict[str, str] = {}

    def command() -> int:
        seen.update((name, os.environ[name]) for name in ENVIRONMENT)
        return 0

    monkeypatch.setattr("eqspec.cli.main.main", command)
    assert main() == 0
    assert seen == {**ENVIRONMENT, "OMP_WAIT_POLICY": "ACTIVE"}
