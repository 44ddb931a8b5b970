"""Interpreter of graph nodes: one small function per kind of node, none per method.

Each node becomes an `Instruction` once, when the graph is built, so that `torch.compile` sees a
fixed list of calls on tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import torch
from torch import Tensor, nn

from eqspec.compile.graph.draft import reads
from eqspec.compile.graph.wiring import LEADING
from eqspec.compile.types.graph import (
    ApplyNode,
    ConcatNode,
    DetachNode,
    GatherNode,
    Node,
    PoolNode,
    SelectNode,
    SliceNode,
    StackNode,
    ViewNode,
)

if TYPE_CHECKING:
    from eqspec.ops.op import StreamType


@dataclass(frozen=True, slots=True)
class Instruction:
    """One node, ready to run: `call` computes the stream `out` from the streams it reads."""

    out: str
    reads: tuple[str, ...]
    call: Callable[..., Tensor]


@dataclass(frozen=True, slots=True)
class _Built:
    """The parts that instructions are built from."""

    types: Mapping[str, StreamType]
    modules: Mapping[str, nn.Module]
    per_view: frozenset[str]


def run(instructions: tuple[Instruction, ...], streams: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return all streams, given and computed."""
    found = dict(streams)
    for step in instructions:
        found[step.out] = step.call(*(found[name] for name in step.reads))
    return found


def instruction(
    node: Node,
    *,
    types: Mapping[str, StreamType],
    modules: Mapping[str, nn.Module],
    per_view: frozenset[str],
) -> Instruction:
    """Return the instruction of a node.

    Args:
        types: the type of every stream.
        modules: by name; a teacher's copies as ``teacher.module``.
        per_view: modules whose batch statistics are taken per view.
    """
    built = _Built(types=types, modules=modules, per_view=per_view)
    return Instruction(out=node.out, reads=reads(node), call=_call(node, built))


def _call(node: Node, built: _Built) -> Callable[..., Tensor]:  # noqa: C901, PLR0911, PLR0912 - one arm per kind
    match node:
        case ApplyNode():
            return _apply(node, built)
        case PoolNode():
            axis = built.types[node.of].axes.index("N")
            return lambda x: x.mean(dim=axis)
        case SelectNode():
            return _select(node, built.types[node.of])
        case GatherNode():
            return _gather(built.types[node.of].prefix)
        case ViewNode():
            index = node.index
            return lambda x: x[index]
        case ConcatNode():
            return lambda *xs: torch.cat(xs, dim=-1)
        case StackNode():
            return lambda *xs: torch.stack(xs)
        case DetachNode():
            return lambda x: x.detach()
        case SliceNode():
            start, stop = node.start, node.stop
            return lambda x: x[..., start:stop]
        case _:
            assert_never(node)


def _apply(node: ApplyNode, built: _Built) -> Callable[..., Tensor]:
    types = built.types
    module = built.modules[f"{node.teacher}.{node.module}" if node.teacher else node.module]
    ports = tuple(node.ports)
    first = types[next(iter(node.ports.values()))]
    lead = sum(axis in LEADING for axis in first.axes)
    extra = (
        {"views": first.size("V") if "V" in first.axes else 1}
        if node.module in built.per_view
        else {}
    )
    if node.blocks is not None:
        extra["blocks"] = node.blocks

    def forward(*streams: Tensor) -> Tensor:
        leading = streams[0].shape[:lead]
        flat = {p: x.flatten(0, lead - 1) for p, x in zip(ports, streams, strict=True)}
        return module(**flat, **extra).unflatten(0, leading)

    def forward_teacher(*streams: Tensor) -> Tensor:
        with torch.no_grad():
            return forward(*streams)

    return forward_teacher if node.teacher else forward


def _select(node: SelectNode, of: StreamType) -> Callable[[Tensor], Tensor]:
    axis = of.axes.index("N")
    prefix, size = of.prefix, of.size("N")
    match node.part:
        case "cls":
            return lambda x: x.select(axis, 0)
        case "registers":
            return lambda x: x.narrow(axis, 1, prefix - 1)
        case "patches":
            return lambda x: x.narrow(axis, prefix, size - prefix)


def _gather(prefix: int) -> Callable[[Tensor, Tensor], Tensor]:
    def gather(tokens: Tensor, ids: Tensor) -> Tensor:
        lead = tokens.dim() - 2
        flat = ids.flatten(lead) + prefix
        index = flat.unsqueeze(-1).expand(*flat.shape, tokens.shape[-1])
        return tokens.gather(lead, index).unflatten(lead, ids.shape[lead:])

    return gather
