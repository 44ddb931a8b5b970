"""Modules as instances of their family's Protocol: checked, with defaults filled in, frozen."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType, new_class
from typing import Any, Generic, Protocol, TypeVar, cast, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from eqspec.errors import UsageError
from eqspec.ops.contract.op import Op

_Contract = TypeVar("_Contract", bound=Op)

FROM_THE_FILE = frozenset({"about", "file"})
"""Members that are the file's docstring and path, and no names in it."""


@dataclass(frozen=True, slots=True)
class Member:
    """A name that the modules of a family declare.

    Attributes:
        required: it has no default.
        kind: type of a value; None for a function.
        declared: the function or property of the Protocol; None for a plain attribute.
        default: of a plain attribute that is not required.
    """

    name: str
    required: bool
    kind: Any = None
    declared: Callable[..., Any] | property | None = None
    default: Any = None

    @property
    def is_function(self) -> bool:
        """Whether the module defines a function of this name."""
        return isinstance(self.declared, FunctionType)


class ContractError(UsageError):
    """An op's file lacks what its family asks for, or declares it otherwise."""

    def __init__(self, name: str, problems: tuple[str, ...], *, contract: type[Op]) -> None:
        needed = ", ".join(f"`{m.name}`" for m in members(contract) if m.required)
        super().__init__(
            f"{name} is no {contract.__name__}: {'; '.join(problems)}",
            help=f"a {contract.__name__} declares a docstring and {needed}",
        )


@cache
def members(contract: type[Op]) -> tuple[Member, ...]:
    """The names that modules of a family declare, in order of declaration, those of `Op` first."""
    found: dict[str, Member] = {}
    for base in reversed(contract.__mro__):
        if base not in {object, Generic, Protocol}:
            found |= {member.name: member for member in _own_members(base)}
    return tuple(member for name, member in found.items() if name not in FROM_THE_FILE)


def _own_members(contract: type) -> Iterator[Member]:
    """The members that a Protocol itself declares."""
    own = vars(contract)
    hints = get_type_hints(contract)
    for name in inspect.get_annotations(contract):
        required = name not in own
        yield Member(name, required, kind=hints[name], default=own.get(name))
    for name, declared in own.items():
        if name.startswith("_") or not isinstance(declared, FunctionType | property):
            continue
        required = getattr(declared, "__isabstractmethod__", False)
        yield Member(name, required, kind=_returned(declared), declared=declared)


def _returned(declared: Callable[..., Any] | property) -> Any:  # noqa: ANN401 - a type
    """The type of a property; None for a function."""
    if not isinstance(declared, property) or declared.fget is None:
        return None
    return get_type_hints(declared.fget)["return"]


@cache
def bind(contract: type[_Contract], module: ModuleType, *, name: str) -> _Contract:
    """A module as an instance of its contract.

    Args:
        name: how errors call the op.

    Raises:
        ContractError: a member is missing, or is not what the contract declares.
    """
    if problems := tuple(problems_of(contract, module)):
        raise ContractError(name, problems, contract=contract)
    given: dict[str, Any] = {
        "about": (module.__doc__ or "").strip(),
        "file": Path(module.__file__ or ""),
        "__setattr__": _refuse,
    }
    for member in members(contract):
        if member.name in vars(module):
            value = vars(module)[member.name]
            given[member.name] = staticmethod(value) if member.is_function else value
    made = new_class(contract.__name__, (contract,), exec_body=lambda body: body.update(given))
    return cast("_Contract", made())


def problems_of(contract: type[Op], module: ModuleType) -> Iterator[str]:
    """Yield the reasons why a module is not an op of a family."""
    declared = vars(module)
    if not (module.__doc__ or "").strip():
        yield "it has no docstring"
    for member in members(contract):
        if member.name not in declared:
            if member.required:
                yield f"`{member.name}` is missing"
        elif member.is_function:
            yield from _not_callable_so(member, declared[member.name])
        else:
            yield from _of_another_type(member, declared[member.name])


def _not_callable_so(member: Member, value: object) -> Iterator[str]:
    """Yield a problem if a function does not take the arguments of the contract."""
    assert callable(member.declared), "it is a function"
    if not callable(value):
        yield f"`{member.name}` is not a function"
        return
    _, *passed = inspect.signature(member.declared).parameters.values()  # without `self`
    named = {p.name: None for p in passed if p.kind is p.KEYWORD_ONLY}
    try:
        inspect.signature(value).bind(*(None for p in passed if p.name not in named), **named)
    except TypeError as error:
        wanted = ", ".join(f"{p.name}=…" if p.kind is p.KEYWORD_ONLY else p.name for p in passed)
        yield f"`{member.name}` is called as `{member.name}({wanted})`: {error}"


def _of_another_type(member: Member, value: object) -> Iterator[str]:
    if get_origin(member.kind) is Mapping:  # pydantic takes nothing but a dict
        if not isinstance(value, Mapping):
            yield f"`{member.name}`: Input should be a mapping"
        return
    try:
        _adapter(member.kind).validate_python(value, strict=True)
    except ValidationError as error:
        yield f"`{member.name}`: {error.errors(include_url=False)[0]['msg']}"


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - a type
    if isinstance(kind, type) and kind.__module__.startswith("eqspec."):  # takes no config
        return TypeAdapter(kind)
    return TypeAdapter(kind, config=ConfigDict(arbitrary_types_allowed=True))


def _refuse(_self: object, name: str, _value: object) -> None:
    raise AttributeError(f"an op is frozen: `{name}` cannot be set")
