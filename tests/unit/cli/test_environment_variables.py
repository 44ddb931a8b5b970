"""Tests of the variables that the command line sets before torch is imported."""

from __future__ import annotations

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
    assert main() == 0
    assert seen == {**ENVIRONMENT, "OMP_WAIT_POLICY": "ACTIVE"}
