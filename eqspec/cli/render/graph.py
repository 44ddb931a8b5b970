"""A training graph as text: inputs, streams with their types, loss terms and teachers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from pydantic import JsonValue
from pydantic_core import to_jsonable_python
from rich.text import Text

from eqspec.compile.lookup.rewrite_inputs import ACTIONS, BETWEEN, DRAWS, PARAMETERS, PIXELS
from eqspec.compile.types.graph import (
    ApplyNode,
    ConcatNode,
    DetachNode,
    GatherNode,
    GraphPlan,
    Node,
    PoolNode,
    SelectNode,
    SliceNode,
    StackNode,
    TeacherPlan,
    TermPlan,
    ViewNode,
)
from eqspec.ops.find import find_op
from eqspec.report.numbers import number
from eqspec.spec.use import OpCall

Row = list[str | Text]
"""The cells of a line."""


def graph_rows(plan: GraphPlan) -> list[Row]:
    """Return a row per input, stream, term and teacher: name, type or weight, and source."""
    own = [term for term in plan.terms if term.name not in plan.added]
    added = [term for term in plan.terms if term.name in plan.added]
    return [
        *_part("inputs", "new in every step" if plan.terms else "to be evaluated", _inputs(plan)),
        *_part("encode", "image by image", [_stream(n.out, plan, source(n)) for n in plan.encode]),
        *_part(
            "loss",
            f"the whole batch at once, cut from encode at {', '.join(plan.cut)}",
            [_stream(n.out, plan, source(n) + _side(n, plan)) for n in plan.loss],
        ),
        *_part("loss", "the sum of the method's terms", [_term(term) for term in own]),
        *_part("added", "to the loss, by the rewrite", [_term(term) for term in added]),
        *_part(
            "teachers", "moving averages, without gradient", [_teacher(t) for t in plan.teachers]
        ),
    ]


def op_call(impl: str, params: Mapping[str, JsonValue], *, family: str) -> str:
    """Format an op with the parameters that differ from their defaults."""
    fields = find_op(family, impl).Params.model_fields
    by_name = {field.alias or name: field for name, field in fields.items()}
    arguments = [
        f"{name}={_value(value)}"
        for name, value in params.items()
        if name not in by_name or value != _plain(by_name[name].default)
    ]
    return f"{impl}({', '.join(arguments)})" if arguments else impl


def quantity(value: float | OpCall) -> str:
    """Format a number or a schedule."""
    if isinstance(value, OpCall):
        return op_call(value.impl, value.params, family="schedules")
    return number(value)


def _part(name: str, note: str, rows: list[Row]) -> list[Row]:
    return [[Text(name, "bold"), "", Text(note, "dim")], *rows] if rows else []


def _stream(name: str, plan: GraphPlan, source: str) -> Row:
    return [Text(f"  {name}", "cyan"), Text(str(plan.streams[name]), "dim"), source]


def _inputs(plan: GraphPlan) -> list[Row]:
    outputs = {node.out for node in (*plan.encode, *plan.loss)}
    sources = {
        BETWEEN: "the images between u and view 2",
        ACTIONS: "the transform between view 1 and view 2",
        PARAMETERS: "its parameters, over their ranges",
        PIXELS: "the global views in [0, 1]",
        DRAWS: "the drawn parameters of the global views, over their ranges",
    }
    sources |= {
        name: f"the drawn parameters of {name.removeprefix(f'{DRAWS}.')}, over their ranges"
        for name in plan.streams
        if name.startswith(f"{DRAWS}.")
    }
    for one in plan.inputs:
        drawn = f"drawn by {op_call(one.impl, one.params, family='masks')}"
        sources |= {f"{one.name}.{out}" if out else one.name: drawn for out in one.outputs}
    for one in plan.drop_paths:
        highest = number(max(one.rates))
        sources[one.name] = f"mask of the residual branches, dropped with up to p={highest}"
    given = (name for name in plan.streams if name not in outputs)
    return [_stream(name, plan, sources.get(name, "images")) for name in given]


def source(node: Node) -> str:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of node
    """Format the computation of a node."""
    match node:
        case ApplyNode(module=module, teacher=teacher, ports=ports, blocks=blocks):
            first = "" if blocks is None else f"; blocks={blocks}"
            return f"{module if teacher is None else f'{teacher}.{module}'}({_wired(ports)}{first})"
        case PoolNode(of=of):
            return f"mean over the tokens of {of}"
        case SelectNode(of=of, part=part):
            return f"{part} of {of}"
        case GatherNode(of=of, ids=ids):
            return f"tokens {ids} of {of}"
        case ViewNode(of=of, index=index):
            return f"view {index} of {of}"
        case ConcatNode(of=of):
            return f"concat({', '.join(of)})"
        case StackNode(of=of):
            return f"stack({', '.join(of)})"
        case DetachNode(of=of):
            return f"{of} without gradient"
        case SliceNode(of=of, start=start, stop=stop):
            return f"{of}[{start}:{stop}]"
        case _:
            assert_never(node)


def _side(node: Node, plan: GraphPlan) -> str:
    """Name the part of the split that a slice selects."""
    if not isinstance(node, SliceNode) or plan.split is None:
        return ""
    return ", the invariant part" if node.start == 0 else ", the equivariant part"


def _term(term: TermPlan) -> Row:
    wired = _wired(term.ports)
    moving = {name: quantity(value) for name, value in term.scheduled.items()}
    op = op_call(term.impl, {**term.params, **moving}, family="terms")
    name, opened, params = op.partition("(")
    call = f"{name}({wired}; {params}" if opened else f"{name}({wired})"
    return [Text(f"  {term.name}", "cyan"), f"× {quantity(term.weight)}", call]


def _teacher(teacher: TeacherPlan) -> Row:
    follows = f"of {', '.join(teacher.follows)}"
    return [Text(f"  {teacher.name}", "cyan"), f"keeps {quantity(teacher.momentum)}", follows]


def _wired(ports: Mapping[str, str | tuple[str, ...]]) -> str:
    shown = {
        port: of if isinstance(of, str) else f"[{', '.join(of)}]" for port, of in ports.items()
    }
    if set(shown) == {"x"}:
        return shown["x"]
    return ", ".join(f"{port}={of}" for port, of in shown.items())


def _value(value: JsonValue) -> str:  # noqa: PLR0911 - one line for each kind of value
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return number(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case {"impl": str(impl), "params": dict(params)}:
            return op_call(impl, params, family="schedules")
        case _:
            return str(value)


def _plain(default: object) -> object:
    """Return a default value as plans store it."""
    return to_jsonable_python(default, fallback=str)
