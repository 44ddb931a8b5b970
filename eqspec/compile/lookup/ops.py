"""Lookup and validation of the ops, parameters and schedules that a spec or card names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import JsonValue, ValidationError

from eqspec.compile.types.error import GraphError
from eqspec.ops.contract.op import Op
from eqspec.ops.find import UnknownOp, find_schedule
from eqspec.ops.op import OpParams
from eqspec.spec.node import KeyPath
from eqspec.spec.numbers import limit_broken
from eqspec.spec.use import OpCall

_Op = TypeVar("_Op", bound=Op)
_Params = TypeVar("_Params", bound=OpParams)


def op_in_use(
    find: Callable[[str], _Op], name: str, *, path: KeyPath, card: str | None = None
) -> _Op:
    """Return the op of that name.

    Args:
        find: the lookup of its family, such as `find_term`.
        path: of the mapping with `impl` and `params`.
        card: the card that the path leads into, as in `GraphError`.

    Raises:
        GraphError: when there is no such op.
    """
    try:
        return find(name)
    except UnknownOp as error:
        raise GraphError((*path, "impl"), error.message, help=error.help, card=card) from None


def checked_params(
    model: type[_Params],
    params: Mapping[str, JsonValue],
    *,
    path: KeyPath,
    card: str | None = None,
) -> _Params:
    """Return an op's parameters, validated by its `Params`.

    Args:
        path: of the mapping with `impl` and `params`.
        card: the card that the path leads into, as in `GraphError`.

    Raises:
        GraphError: naming every unknown or illegal parameter; located at the first.
    """
    try:
        return model.model_validate(dict(params))
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = "; ".join(_worded(e["loc"], e["msg"]) for e in found)
        known = ", ".join(model.model_fields) or "none"
        first = min(found, key=lambda e: e["type"] == "missing")  # what is missing stands nowhere
        raise GraphError(
            (*path, "params", *first["loc"]),
            f"parameters: {problems}",
            help=f"there are: {known}",
            card=card,
        ) from None


def _worded(at: tuple[str | int, ...], message: str) -> str:
    """A problem with a parameter, or with several of them together."""
    text = message.removeprefix("Value error, ")
    return f"`{'.'.join(map(str, at))}`: {text}" if at else text


def checked_number(
    value: float | OpCall,
    *,
    legal: Any,  # noqa: ANN401 - an annotation
    path: KeyPath,
    rate: float | None = None,
) -> float | OpCall:
    """Return a constant as it is, and a schedule with every parameter filled in.

    Args:
        legal: the limits, such as `NotNegative`; a constant was validated when it was read.
        path: of the value.
        rate: the optimizer's learning rate, for a schedule that takes it and sets none.

    Raises:
        GraphError: when there is no such schedule, its parameters are not legal, or it leaves the
            limits.
    """
    if not isinstance(value, OpCall):
        return float(value)
    op = op_in_use(find_schedule, value.impl, path=path)
    supplied = {} if rate is None or op.rate is None else {op.rate: rate}
    params = checked_params(op.Params, {**supplied, **value.params}, path=path)
    for reached in op.extent(params):
        rule = limit_broken(reached, legal)
        if rule is not None:
            written = next((n for n, v in value.params.items() if v == reached), None)
            raise GraphError(
                (*path, "params", *(() if written is None else (written,))),
                f"the schedule `{value.impl}` reaches {reached:g}, and what it sets {rule}",
                code="EQ012",
            )
    return OpCall(impl=value.impl, params=params.model_dump(mode="json", by_alias=True))
