"""The predictor of a rewrite: its streams, and the part of a graph that computes them.

An evaluation runs that part alone, in eval mode: without the streams that training draws for every
step, masks and drop-path multipliers, which ports of modules may leave open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from eqspec.compile.graph.draft import reads
from eqspec.compile.lookup.ops import op_in_use
from eqspec.compile.lookup.rewrite_inputs import ACTIONS, DRAWS
from eqspec.compile.types.error import GraphError
from eqspec.compile.types.graph import ApplyNode, GraphPlan, Node, PredictorPlan
from eqspec.ops.find import find_module
from eqspec.ops.op import StreamType
from eqspec.ops.targets.kinds import LABELS
from eqspec.registry.grammar import Predicts

_KEYS = {"from": "source", "action": "action", "output": "output", "to": "target"}
"""Key of `predicts:` on a card → field of the plan."""

_DROP = "drop"
"""Root of the names of drop-path multipliers."""


def predictor_of(
    decl: Predicts, nodes: Iterable[Node], *, names: Mapping[str, str]
) -> PredictorPlan:
    """Return the predictor that a card declares.

    Args:
        nodes: of the rewritten graph.
        names: names that the card may use → streams.
    """
    written = decl.model_dump(by_alias=True)
    streams = {field: names.get(written[key], written[key]) for key, field in _KEYS.items()}
    needed = _ancestors(streams["output"], {node.out: node for node in nodes})
    drawn = any(name.split(".", maxsplit=1)[0] == DRAWS for name in needed)
    views = "path" if ACTIONS in needed and not drawn else "augmentation"
    return PredictorPlan.model_validate({**streams, "views": views})


def check_predictor(graph: GraphPlan) -> None:
    """Check the streams of a graph's predictor, if it has one.

    Args:
        graph: with every stream, also those that no term depends on.

    Raises:
        GraphError: a stream does not exist or has another shape, or the prediction does not depend
            on the action.
    """
    found = graph.predictor
    if found is None:
        return
    for key, field in _KEYS.items():
        name = getattr(found, field)
        if name not in graph.streams:
            listed = ", ".join(sorted(graph.streams))
            raise GraphError(
                ("predicts", key), f"there is no stream `{name}`", help=f"there are: {listed}"
            )
    output = graph.streams[found.output]
    if output.axes != ("B", "D"):
        raise GraphError(("predicts", "output"), f"a prediction is [B, D], but reads {output}")
    for key in ("from", "to"):
        kind = graph.streams[getattr(found, _KEYS[key])]
        if not _is_view(kind, width=output.size("D")):
            message = f"the prediction is {output}, so this cannot be {kind}"
            raise GraphError(("predicts", key), message, help="name the stream it is compared with")
    makers = {node.out: node for node in (*graph.encode, *graph.loss)}
    if found.action not in _ancestors(found.output, makers):
        message = f"the prediction `{found.output}` does not depend on `{found.action}`"
        raise GraphError(("predicts", "action"), message)
    evaluated_nodes(graph, (found.source, found.output, found.target))


def with_live_predictor(graph: GraphPlan) -> GraphPlan:
    """Return a pruned graph, without its predictor if no term depends on a stream of it."""
    found = graph.predictor
    if found is None or all(getattr(found, field) in graph.streams for field in _KEYS.values()):
        return graph
    return graph.model_copy(update={"predictor": None})


def evaluated_nodes(graph: GraphPlan, wanted: Iterable[str]) -> tuple[Node, ...]:
    """Return the nodes that compute some streams of a whole batch in eval mode, in order.

    Ports that read what is drawn for training, such as masks, are left out.

    Raises:
        GraphError: a node cannot do without what is drawn, or reads labels.
    """
    live, kept = set(wanted), list[Node]()
    for node in reversed((*graph.encode, *graph.loss)):
        if node.out in live:
            bare = _without_drawn(node, graph)
            kept.append(bare)
            live.update(reads(bare))
    return tuple(reversed(kept))


def _without_drawn(node: Node, graph: GraphPlan) -> Node:
    drawn = [name for name in reads(node) if _is_drawn(name, graph)]
    if not drawn:
        return node
    if isinstance(node, ApplyNode):
        module = next(m for m in graph.modules if m.name == node.module)
        op = op_in_use(partial(find_module, module.family), module.impl, path=())
        optional = {port.name for port in op.ports if port.optional}
        if all(port in optional for port, name in node.ports.items() if name in drawn):
            ports = {port: name for port, name in node.ports.items() if name not in drawn}
            return node.model_copy(update={"ports": ports})
    raise GraphError(
        ("flow", node.out),
        f"`{node.out}` reads `{drawn[0]}`, which an evaluation does not have",
        help="a predictor reads views, `actions` and `draws` alone",
    )


def _is_drawn(name: str, graph: GraphPlan) -> bool:
    root = name.split(".", maxsplit=1)[0]
    return root in {_DROP, LABELS} or any(root == given.name for given in graph.inputs)


def _is_view(kind: StreamType, *, width: int) -> bool:
    """Whether a stream has features of a view, or of several views, in a width."""
    leading = kind.axes[:-1]
    if leading == ("V", "B") and kind.size("V") < 2:
        return False
    return leading in {("B",), ("V", "B")} and kind.axes[-1] == "D" and kind.size("D") == width


def _ancestors(name: str, makers: Mapping[str, Node]) -> frozenset[str]:
    """Return every stream that a stream depends on, itself included."""
    return frozenset(_walk(name, makers, set()))


def _walk(name: str, makers: Mapping[str, Node], seen: set[str]) -> Iterator[str]:
    if name in seen:
        return
    seen.add(name)
    yield name
    node = makers.get(name)
    for source in () if node is None else reads(node):
        yield from _walk(source, makers, seen)
