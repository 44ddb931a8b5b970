"""The page of op contracts: what the file of an op declares, for each family."""

from __future__ import annotations

import inspect
from functools import cache

from docs.generate.markdown import code, fence, line, table
from eqspec.ops.contract.bind import Member, members
from eqspec.ops.contract.op import Op
from eqspec.ops.find import CONTRACTS, op_names
from eqspec.ops.parameters import attribute_texts, default_text, type_text

INTRODUCTION = """\
# Op contracts

An op is one Python file, `eqspec/ops/<family>/<name>.py`, or a module that a
[plugin](../how-to/plugins.md) registers. It has a docstring, whose first line is shown by `eqspec
list ops`, and the names below: attributes are assigned at the top of the file, functions are
defined there without `self`. What is not required may be left out and has the default given here. A
missing or wrong name is refused by name, and the contract tests of the family run on every new
file.

The Protocols are in `eqspec/ops/contract/`.
"""


def page() -> str:
    """Return the page."""
    shared = _members("Every op", Op, known=())
    return "\n\n".join((INTRODUCTION.rstrip(), shared, *map(_family, CONTRACTS))) + "\n"


def _family(family: str) -> str:
    contract = CONTRACTS[family]
    text = _members(family, contract, known=members(Op))
    present = ", ".join(map(code, op_names(family)))
    return f"{text}\n\nOps of this family: {present}."


def _members(title: str, contract: type[Op], *, known: tuple[Member, ...]) -> str:
    own = sorted((m for m in members(contract) if m not in known), key=lambda m: not m.required)
    rows = ((code(m.name), _kind(m), _default(m), line(_text(m, contract))) for m in own)
    parts = [f"## {title}", line(_paragraph(contract))]
    parts.append("\n".join(table(("name", "type", "default", "meaning"), rows)))
    functions = "\n".join(_signature(m) for m in own if m.is_function)
    return "\n\n".join((*parts, *([fence(functions, language="text")] if functions else ())))


def _paragraph(contract: type) -> str:
    return inspect.cleandoc(contract.__doc__ or "").partition("\n\n")[0]


def _text(member: Member, contract: type[Op]) -> str:
    if member.declared is None:
        return _attributes(contract).get(member.name, "")
    return inspect.cleandoc(member.declared.__doc__ or "").partition("\n\n")[0]


@cache
def _attributes(contract: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in reversed(contract.__mro__):
        found |= attribute_texts(each.__doc__ or "")
    return found


def _kind(member: Member) -> str:
    return "function" if member.is_function else type_text(member.kind)


def _default(member: Member) -> str:
    if member.required:
        return "*required*"
    if member.declared is not None:
        return "provided"
    return code(default_text(member.default) or '""')


def _signature(member: Member) -> str:
    declared = member.declared
    assert inspect.isfunction(declared), "asked of functions only"
    signature = inspect.signature(declared)
    _, *parameters = (
        p.replace(annotation=_Text(p.annotation)) for p in signature.parameters.values()
    )
    shown = signature.replace(
        parameters=parameters, return_annotation=_Text(signature.return_annotation)
    )
    return f"def {member.name}{shown}"


class _Text(str):
    """An annotation, shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)
