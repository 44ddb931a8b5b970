"""Every op that ships states what its family is called by."""

from __future__ import annotations

from types import ModuleType

import pytest

from eqspec.ops.contract import STATED, not_stated, stated
from eqspec.ops.find import FAMILIES, find_op, op_names
from tests.architecture.tree import ROOT

EVERY = [(family, name) for family in FAMILIES for name in op_names(family)]


@pytest.mark.parametrize(("family", "name"), EVERY)
def test_an_op_states_what_its_family_asks_for(family: str, name: str) -> None:
    assert not_stated(find_op(family, name), family=family) == ()


@pytest.mark.parametrize("family", FAMILIES)
def test_what_an_empty_module_does_not_state_is_named(family: str) -> None:
    assert not_stated(ModuleType("empty"), family=family) == (*stated(family), "__doc__")


def test_every_folder_of_ops_is_a_family() -> None:
    folders = {path.parent.name for path in (ROOT / "eqspec" / "ops").glob("*/__init__.py")}
    assert set(STATED) == folders
