"""Output types of all kinds of nodes but `apply`, whose type its op states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from eqspec.compile.types.error import GraphError
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
from eqspec.ops.op import StreamType

LEADING = ("V", "B")
"""Axes that are flattened into one before a module runs; a stream without views has B alone."""


def leading_axes(node: ApplyNode, inputs: Mapping[str, StreamType]) -> tuple[str, ...]:
    """The axes that the streams at a module's ports are flattened over, the same for all.

    Raises:
        GraphError: when they differ, or stand behind another axis.
    """
    leads: dict[str, tuple[tuple[str, int], ...]] = {}
    for port, stream in inputs.items():
        count = sum(axis in LEADING for axis in stream.axes)
        leads[port] = tuple(zip(stream.axes[:count], stream.sizes[:count], strict=True))
        if tuple(axis for axis, _ in leads[port]) not in {LEADING, LEADING[1:]}:
            message = f"a module reads streams that begin with V and B, or B, but `{port}` {stream}"
            raise GraphError(("flow", node.out), message)
    if len(set(leads.values())) != 1:
        read = ", ".join(f"`{port}` {stream}" for port, stream in inputs.items())
        raise GraphError(("flow", node.out), f"not of the same views and samples: {read}")
    return tuple(axis for axis, _ in next(iter(leads.values())))


def type_of(  # noqa: C901, PLR0911, PLR0912 - one arm per kind of node
    node: Node, streams: Mapping[str, StreamType]
) -> StreamType:
    """Return the type of a node's output.

    Raises:
        GraphError: when it cannot be made from the streams that the node reads.
    """
    match node:
        case PoolNode():
            return replace(_needs(node, streams[node.of], "N").without("N"), prefix=0, grid=None)
        case SelectNode():
            return _selected(node, streams[node.of])
        case GatherNode():
            return _gathered(node, streams[node.of], streams[node.ids])
        case ViewNode():
            return _viewed(node, streams[node.of])
        case ConcatNode():
            return _concatenated(node, [streams[name] for name in node.of])
        case StackNode():
            return _stacked(node, [streams[name] for name in node.of])
        case SliceNode():
            return _features_last(node, streams[node.of]).resized("D", node.stop - node.start)
        case DetachNode():
            return streams[node.of]
        case ApplyNode():
            raise AssertionError("typed by its op")


def _viewed(node: ViewNode, of: StreamType) -> StreamType:
    if of.axes[:1] != ("V",):
        raise GraphError(("flow", node.out), f"`view` needs a stream with views first, not {of}")
    count = of.size("V")
    if node.index >= count:
        raise GraphError(("flow", node.out), f"view {node.index} of a stream with {count}")
    return of.without("V")


def _selected(node: SelectNode, of: StreamType) -> StreamType:
    path, part = ("flow", node.out), node.part
    if "N" not in of.axes:
        raise GraphError(path, f"`select: {part}` needs tokens, but reads {of}")
    if part == "patches":
        return replace(of.resized("N", of.size("N") - of.prefix), prefix=0)
    if of.prefix < 1 or (part == "registers" and of.prefix < 2):
        raise GraphError(path, f"{of} has no {part} token", help="pool the patches instead")
    bare = replace(of, prefix=0, grid=None)
    return bare.without("N") if part == "cls" else bare.resized("N", of.prefix - 1)


def _gathered(node: GatherNode, of: StreamType, ids: StreamType) -> StreamType:
    lead = len(of.axes) - 2
    fits = of.axes[-2:] == ("N", "D") and ids.dtype == "int"
    if not fits or (of.axes[:lead], of.sizes[:lead]) != (ids.axes[:lead], ids.sizes[:lead]):
        message = f"`gather` needs tokens and ids of the same samples, but reads {of} and {ids}"
        raise GraphError(("flow", node.out), message)
    if of.grid is None or of.grid != ids.grid:
        message = f"the ids {ids} are places on a grid that the tokens {of} are not on"
        raise GraphError(("flow", node.out), message)
    return StreamType(axes=(*ids.axes, "D"), sizes=(*ids.sizes, of.size("D")))


def _concatenated(node: ConcatNode, of: list[StreamType]) -> StreamType:
    first = of[0]
    bare = _features_last(node, first).resized("D", 1)
    for other in of[1:]:
        if other.axes != first.axes or other.resized("D", 1) != bare:
            message = f"cannot concatenate {first} and {other} on features"
            raise GraphError(("flow", node.out), message)
    return first.resized("D", sum(t.size("D") for t in of))


def _stacked(node: StackNode, of: list[StreamType]) -> StreamType:
    first = of[0]
    if any(other != first for other in of[1:]) or "K" in first.axes:
        read = ", ".join(map(str, of))
        raise GraphError(("flow", node.out), f"`stack` needs streams of one type, but reads {read}")
    return replace(first, axes=("K", *first.axes), sizes=(len(of), *first.sizes))


def _features_last(node: Node, of: StreamType) -> StreamType:
    if of.axes[-1] != "D":
        message = f"`{node.kind}` needs a stream whose last axis is D, but reads {of}"
        raise GraphError(("flow", node.out), message)
    return of


def _needs(node: Node, of: StreamType, axis: str) -> StreamType:
    if axis not in of.axes:
        message = f"`{node.kind}` needs a stream with axis {axis}, but reads {of}"
        raise GraphError(("flow", node.out), message)
    return of
