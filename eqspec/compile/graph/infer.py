"""Draft → typed graph: the type of every stream, the width of every module, its two parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from eqspec.compile.graph.draft import Draft, TermDraft, reads
from eqspec.compile.graph.prune import live_streams
from eqspec.compile.graph.wiring import leading_axes, type_of
from eqspec.compile.lookup.ops import checked_number, checked_params, op_in_use
from eqspec.compile.types.error import GraphError
from eqspec.compile.types.graph import (
    ApplyNode,
    DropPathPlan,
    GraphPlan,
    InputPlan,
    ModulePlan,
    Node,
    TermPlan,
)
from eqspec.ops.contract.op import Op
from eqspec.ops.find import find_backbone, find_mask, find_module, find_term
from eqspec.ops.op import OpParams, Port, PortError, StreamType, legal_number, scheduled_fields
from eqspec.spec.node import KeyPath
from eqspec.spec.use import OpCall


@dataclass(slots=True)
class _Typing:
    """Types known so far, inferred from the inputs towards the terms."""

    draft: Draft
    image_size: int
    streams: dict[str, StreamType]
    modules: dict[str, ModulePlan]
    drop_paths: list[DropPathPlan]


def infer(draft: Draft, *, given: Mapping[str, StreamType], image_size: int) -> GraphPlan:
    """The typed graph.

    Args:
        draft: in order and pruned.
        given: types of the built-in input streams.
        image_size: side of the global views; modules with an `image_size` parameter get it.

    Raises:
        GraphError: when a stream does not fit a port or parameters are not legal.
    """
    typing = _Typing(draft, image_size, dict(given), {}, [])
    inputs = tuple(_input(name, typing) for name in draft.inputs)
    _check_drawn(typing)
    nodes = tuple(_type_node(node, typing) for node in draft.nodes)
    terms = tuple(_term(name, term, typing) for name, term in draft.terms.items())
    encode = tuple(n for n in nodes if _is_encoder(n, typing))
    loss = tuple(n for n in nodes if not _is_encoder(n, typing))
    _check_encoders(encode, made={n.out for n in nodes})
    used = {name for node in nodes for name in reads(node)} | {
        s for t in terms for p in t.ports.values() for s in ((p,) if isinstance(p, str) else p)
    }
    made = {n.out for n in nodes}
    return GraphPlan(
        modules=tuple(typing.modules.values()),
        teachers=draft.teachers,
        inputs=inputs,
        drop_paths=tuple(typing.drop_paths),
        encode=encode,
        loss=loss,
        terms=terms,
        streams={n: t for n, t in typing.streams.items() if n in made or n in used},
        cut=tuple(n.out for n in encode),
        split=draft.split,
        embedding=draft.embedding,
        added=draft.added,
        predictor=draft.predictor,
    )


def _check_drawn(typing: _Typing) -> None:
    """Every stream that is read from a drawn input must be one that its op makes."""
    for name in sorted(live_streams(typing.draft)):
        root = name.split(".")[0]
        if root in typing.draft.inputs and name not in typing.streams:
            made = ", ".join(n for n in typing.streams if n.split(".")[0] == root)
            raise GraphError(
                ("inputs", root), f"`{name}` is never drawn", help=f"there are: {made}"
            )


def _input(name: str, typing: _Typing) -> InputPlan:
    decl = typing.draft.inputs[name]
    path = ("inputs", name)
    op = op_in_use(find_mask, decl.impl, path=path)
    params = checked_params(op.Params, decl.params, path=path)
    tokens = _token_type(decl.of, typing, path=(*path, "of"))
    try:
        outputs = dict(op.shapes(params, {"of": tokens}))
    except PortError as error:
        raise GraphError(path, f"`{decl.impl}`: {error}") from None
    named = {f"{name}.{key}" if key else name: value for key, value in outputs.items()}
    typing.streams.update(named)
    return InputPlan(
        name=name,
        impl=decl.impl,
        params=params.model_dump(mode="json", by_alias=True),
        of=tokens,
        outputs=outputs,
    )


def _token_type(group: str, typing: _Typing, *, path: KeyPath) -> StreamType:
    """Type of the student backbone's output for the whole images of a view group."""
    images = typing.streams.get(group)
    found = ((n, m) for n, m in typing.draft.modules.items() if m.family == "backbones")
    name, backbone = next(found, ("", None))
    if images is None or backbone is None:
        raise GraphError(path, f"no view group `{group}` that a backbone reads")
    op = op_in_use(find_backbone, backbone.impl, path=("modules", name))
    checked = checked_params(op.Params, backbone.params, path=("modules", name))
    try:
        return op.shapes(_sized(op, checked, typing), {"images": images})
    except PortError as error:
        raise GraphError(("backbone",), f"`{backbone.impl}`: {error}") from None


def _sized(op: Op, params: OpParams, typing: _Typing) -> OpParams:
    """Parameters with the image size filled in where the op asks for it."""
    if "image_size" in op.Params.model_fields and "image_size" not in params.model_fields_set:
        return params.model_copy(update={"image_size": typing.image_size})
    return params


def _type_node(node: Node, typing: _Typing) -> Node:
    """The node, with its output's type noted (and its drop-path port connected)."""
    if isinstance(node, ApplyNode):
        return _type_apply(node, typing)
    typing.streams[node.out] = type_of(node, typing.streams)
    return node


def _type_apply(node: ApplyNode, typing: _Typing) -> ApplyNode:
    path = ("flow", node.out)
    draft = typing.draft.modules[node.module]
    declared = ("modules", node.module)
    op = op_in_use(partial(find_module, draft.family), draft.impl, path=declared)
    params = _sized(op, checked_params(op.Params, draft.params, path=declared), typing)
    known = {port.name: port for port in op.ports}
    _check_ports(node.ports, known, path=path, op=draft.impl)
    inputs = {port: typing.streams[stream] for port, stream in node.ports.items()}
    leading = _leading(node, inputs, depth=op.blocks(params))
    try:
        output = op.shapes(params, inputs)
    except PortError as error:
        # Images that do not suit it are the choice of the spec, not of the card.
        at = ("backbone",) if error.port == "images" else path
        raise GraphError(at, f"`{draft.impl}` port `{error.port}`: {error}") from None
    typing.streams[node.out] = output
    first = typing.modules.get(node.module)
    if first is None:
        typing.modules[node.module] = ModulePlan(
            name=node.module,
            family=draft.family,
            impl=draft.impl,
            params=params.model_dump(mode="json", by_alias=True),
            inputs=inputs,
            output=output,
            init=node.module,
            frozen=draft.frozen,
        )
    else:
        _same_width(first, inputs, path=path)
    # A frozen module is always in eval mode, where nothing is dropped.
    moves = node.teacher is None and not draft.frozen
    rates = op.drop_path_rates(params) if moves else ()
    if not any(rates):
        return node
    name = f"drop.{node.out}"
    sizes = typing.streams[node.out].sizes[: len(leading)]
    kind = StreamType(axes=(*leading, "L", "R"), sizes=(*sizes, len(rates), 2))
    draw, group = op.drop_path_sampling(params)
    typing.streams[name] = kind
    typing.drop_paths.append(
        DropPathPlan(name=name, rates=rates, type=kind, draw=draw, group=group)
    )
    return node.model_copy(update={"ports": {**node.ports, "drop": name}})


def _term(name: str, term: TermDraft, typing: _Typing) -> TermPlan:
    path = ("terms", name)
    op = op_in_use(find_term, term.impl, path=path)
    params = checked_params(op.Params, term.params, path=path)
    known = {port.name: port for port in op.ports}
    _check_ports(term.ports, known, path=path, op=term.impl)
    inputs: dict[str, StreamType] = {}
    for port, streams in term.ports.items():
        if isinstance(streams, str) and not known[port].many:
            inputs[port] = typing.streams[streams]
            continue
        names = (streams,) if isinstance(streams, str) else streams
        if not known[port].many:
            raise GraphError(path, f"port `{port}` of `{term.impl}` takes one stream")
        inputs.update({f"{port}.{i}": typing.streams[s] for i, s in enumerate(names)})
    try:
        op.shapes(params, inputs)
    except PortError as error:
        raise GraphError(path, f"`{term.impl}` port `{error.port}`: {error}") from None
    dumped = params.model_dump(mode="json", by_alias=True)
    scheduled = {n: dumped.pop(n) for n in scheduled_fields(op.Params)}
    ports = {
        p: ((s,) if known[p].many and isinstance(s, str) else s) for p, s in term.ports.items()
    }
    calls = {
        n: checked_number(
            OpCall.model_validate(v) if isinstance(v, dict) else v,
            legal=legal_number(op.Params, n),
            path=(*path, "params", n),
        )
        for n, v in scheduled.items()
    }
    return TermPlan(
        name=name,
        impl=term.impl,
        params=dumped,
        ports=ports,
        inputs=inputs,
        weight=term.weight,
        scheduled=calls,
    )


def _check_ports(
    connected: Mapping[str, object],
    known: Mapping[str, Port],
    *,
    path: KeyPath,
    op: str,
) -> None:
    unknown = [p for p in connected if p not in known]
    missing = [p for p, port in known.items() if not port.optional and p not in connected]
    if unknown or missing:
        problems = [f"no port `{p}`" for p in unknown] + [
            f"port `{p}` is not connected" for p in missing
        ]
        raise GraphError(
            path, f"`{op}`: {', '.join(problems)}", help=f"its ports: {', '.join(known)}"
        )


def _leading(node: ApplyNode, inputs: Mapping[str, StreamType], *, depth: int) -> tuple[str, ...]:
    """The leading axes of a module's inputs, after a check that it has as many blocks as asked."""
    if node.blocks is not None and node.blocks > depth:
        message = f"`{node.module}` has {depth} blocks to read tokens after, not {node.blocks}"
        help_ = "choose another backbone, or set `with: {STREAM.blocks: …}` of the rewrite"
        raise GraphError(("flow", node.out, "blocks"), message, help=help_)
    return leading_axes(node, inputs)


def _same_width(first: ModulePlan, inputs: Mapping[str, StreamType], *, path: KeyPath) -> None:
    for port, stream in inputs.items():
        before = first.inputs.get(port, stream)
        widths = {kind.size("D") if "D" in kind.axes else None for kind in (before, stream)}
        if len(widths) > 1:
            message = f"`{first.name}` reads {stream} here and {before} elsewhere"
            raise GraphError(path, message, help="a module has one width wherever it is applied")


def _is_encoder(node: Node, typing: _Typing) -> bool:
    return isinstance(node, ApplyNode) and typing.modules[node.module].family == "backbones"


def _check_encoders(encode: tuple[Node, ...], *, made: set[str]) -> None:
    """Encoders read inputs only: that is where the graph is cut for micro-batches."""
    for node in encode:
        late = [name for name in reads(node) if name in made]
        if late:
            raise GraphError(
                ("flow", node.out), f"an encoder cannot read the computed stream `{late[0]}`"
            )
