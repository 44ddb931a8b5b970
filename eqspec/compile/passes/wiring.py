"""The types of the streams that wiring makes: every kind of node but `apply`, which asks its op."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from eqspec.compile.draft import GraphError
from eqspec.compile.graph_plan import (
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


def type_of(  # noqa: C901, PLR0911, PLR0912 - one arm per kind of node
    node: Node, streams: Mapping[str, StreamType]
) -> StreamType:
    """The type of what a node makes.

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
            first = streams[node.of[0]]
            return replace(first, axes=("K", *first.axes), sizes=(len(node.of), *first.sizes))
        case SliceNode():
            return streams[node.of].resized("D", node.stop - node.start)
        case DetachNode():
            return streams[node.of]
        case ApplyNode():
            raise AssertionError("typed by its op")


def _viewed(node: ViewNode, of: StreamType) -> StreamType:
    count = _needs(node, of, "V").size("V")
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
    if "N" not in of.axes or ids.dtype != "int":
        message = f"`gather` needs tokens and ids, but reads {of} and {ids}"
        raise GraphError(("flow", node.out), message)
    axes = tuple(a for a in ids.axes if a not in {"V", "B"})
    lead = tuple(a for a in of.axes if a in {"V", "B"})
    sizes = tuple(of.size(a) for a in lead) + tuple(ids.size(a) for a in axes)
    return StreamType(axes=(*lead, *axes, "D"), sizes=(*sizes, of.size("D")))


def _concatenated(node: ConcatNode, of: list[StreamType]) -> StreamType:
    first = of[0]
    for other in of[1:]:
        if other.axes != first.axes or other.resized("D", 1) != first.resized("D", 1):
            message = f"cannot concatenate {first} and {other} on features"
            raise GraphError(("flow", node.out), message)
    return first.resized("D", sum(t.size("D") for t in of))


def _needs(node: Node, of: StreamType, axis: str) -> StreamType:
    if axis not in of.axes:
        message = f"`{node.kind}` needs a stream with axis {axis}, but reads {of}"
        raise GraphError(("flow", node.out), message)
    return of
