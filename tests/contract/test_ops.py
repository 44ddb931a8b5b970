"""Every op that ships fulfils its family's contract; a file that does not is refused by name."""

from __future__ import annotations

import ast
from types import ModuleType
from typing import Any

import pytest

from eqspec.ops.contract.bind import ContractError, Member, bind, members
from eqspec.ops.find import CONTRACTS, FAMILIES, find_op, op_names
from tests.architecture.tree import ROOT

EVERY = [(family, name) for family in FAMILIES for name in op_names(family)]
REQUIRED = [(f, m) for f, contract in CONTRACTS.items() for m in members(contract) if m.required]
PLAIN = [
    (f, m) for f, contract in CONTRACTS.items() for m in members(contract) if not m.is_function
]
FUNCTIONS = [
    (f, m) for f, contract in CONTRACTS.items() for m in members(contract) if m.is_function
]


def changed(family: str, **declared: Any) -> ModuleType:
    """A copy of an op's module with other declarations; None removes one."""
    name = next(iter(op_names(family)))
    shipped = vars(__import__(f"eqspec.ops.{family}.{name}", fromlist=[name]))
    module = ModuleType("changed", shipped["__doc__"])
    vars(module).update({k: v for k, v in {**shipped, **declared}.items() if v is not None})
    return module


def refused(family: str, module: ModuleType) -> str:
    with pytest.raises(ContractError) as caught:
        bind(CONTRACTS[family], module, name="its/file.py")
    assert caught.value.message.startswith("its/file.py is no ")
    return caught.value.message


@pytest.mark.parametrize(("family", "name"), EVERY)
def test_every_op_fulfils_its_contract(family: str, name: str) -> None:
    op = find_op(family, name)
    assert isinstance(op.rev, int)
    assert op.rev >= 1
    assert op.file == ROOT / "eqspec" / "ops" / family / f"{name}.py"
    first, *rest = op.about.splitlines()
    assert first.endswith(".")
    assert len(first) <= 100
    assert not rest or rest[0] == ""


@pytest.mark.parametrize(("family", "name"), EVERY)
def test_no_declaration_is_misspelt(family: str, name: str) -> None:
    """A default would silently take the place of `covarience_of = "x"`."""
    tree = ast.parse(find_op(family, name).file.read_text(encoding="utf-8"))
    targets = (t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets)
    assigned = {t.id for t in targets if isinstance(t, ast.Name) and t.id.islower()}
    known = {member.name for member in members(CONTRACTS[family])}
    assert {n for n in assigned if not n.startswith("_")} <= known


@pytest.mark.parametrize(("family", "member"), REQUIRED, ids=lambda v: getattr(v, "name", v))
def test_what_is_missing_is_named(family: str, member: Member) -> None:
    assert f"`{member.name}` is missing" in refused(family, changed(family, **{member.name: None}))


@pytest.mark.parametrize(("family", "member"), PLAIN, ids=lambda v: getattr(v, "name", v))
def test_a_value_of_another_type_is_named(family: str, member: Member) -> None:
    assert f"`{member.name}`: " in refused(family, changed(family, **{member.name: object()}))


@pytest.mark.parametrize(("family", "member"), FUNCTIONS, ids=lambda v: getattr(v, "name", v))
def test_a_function_that_takes_other_arguments_is_named(family: str, member: Member) -> None:
    message = refused(family, changed(family, **{member.name: lambda: None}))
    assert f"`{member.name}` is called as `{member.name}(" in message
    assert f"`{member.name}` is not a function" in refused(
        family, changed(family, **{member.name: 1})
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_an_op_without_a_docstring_is_refused(family: str) -> None:
    module = changed(family)
    module.__doc__ = None
    assert "it has no docstring" in refused(family, module)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_op_is_frozen(family: str) -> None:
    op = find_op(family, op_names(family)[0])
    with pytest.raises(AttributeError, match="frozen"):
        op.rev = 2


def test_what_a_file_leaves_out_has_the_contract_s_default() -> None:
    found = find_op("transforms", "solarise")
    assert (found.path, found.hides, found.action_dim) == (False, (), 1)
    assert find_op("datasets", "latent_views").source_unit == "object"
    assert find_op("terms", "mse").covariance_of is None
    assert find_op("terms", "covariance").covariance_of == "x"


def test_every_folder_of_ops_is_a_family() -> None:
    folders = {path.parent.name for path in (ROOT / "eqspec" / "ops").glob("*/__init__.py")}
    assert set(CONTRACTS) == folders - {"contract", "targets"}
