"""A training graph in the DOT language of Graphviz, with streams, terms and stopped gradients."""

from __future__ import annotations

import json
from collections.abc import Iterator

from eqspec.cli.render.graph import quantity, source
from eqspec.compile.graph.draft import reads
from eqspec.compile.types.graph import ApplyNode, DetachNode, GraphPlan, Node
from eqspec.compile.types.plan import Plan

_STOPPED = "style=dashed, color=gray, arrowhead=tee"
"""Style of an edge without a gradient."""


def dot(plan: Plan) -> str:
    """Return the graph of a plan as DOT text, for example for `dot -Tsvg`.

    Boxes are modules, in one cluster before the cut and one after it; teachers are dashed. Edges
    that end in a bar carry no gradient.
    """
    graph = plan.graph
    outputs = {node.out for node in (*graph.encode, *graph.loss)}
    lines = [
        f"digraph {_quoted(plan.name)} {{",
        "  rankdir=LR; fontname=Helvetica;",
        "  node [shape=box, fontname=Helvetica, fontsize=10];",
        "  edge [fontname=Helvetica, fontsize=9];",
        *_cluster("inputs", [_input(n, graph) for n in graph.streams if n not in outputs]),
        *_cluster("encode", [_node(n) for n in graph.encode]),
        *_cluster("loss", [_node(n) for n in graph.loss]),
        *_cluster("terms", _terms(graph)),
        *(f"  {line}" for line in _edges(graph)),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _cluster(name: str, lines: list[str]) -> list[str]:
    inside = [f"    {line}" for line in lines]
    return [f"  subgraph cluster_{name} {{", f"    label={_quoted(name)};", *inside, "  }"]


def _input(name: str, graph: GraphPlan) -> str:
    return f"{_quoted(name)} [shape=plain, {_label(name, str(graph.streams[name]))}];"


def _node(node: Node) -> str:
    style = ", style=dashed" if _stops(node) else ""
    return f"{_quoted(node.out)} [{_label(node.out, source(node))}{style}];"


def _terms(graph: GraphPlan) -> list[str]:
    lines = ['loss [shape=doublecircle, label="loss"];']
    for term in graph.terms:
        added = ", color=blue" if term.name in graph.added else ""
        label = _label(term.name, f"{term.impl} × {quantity(term.weight)}")
        lines.append(f"{_term(term.name)} [shape=ellipse, {label}{added}];")
    for teacher in graph.teachers:
        label = _label(teacher.name, f"keeps {quantity(teacher.momentum)}")
        lines.append(f"{_quoted(f'teacher {teacher.name}')} [shape=note, {label}];")
    return lines


def _edges(graph: GraphPlan) -> Iterator[str]:
    stopped = _stopped(graph)
    for node in (*graph.encode, *graph.loss):
        for name in dict.fromkeys(reads(node)):
            stops = name in stopped or _stops(node)
            yield _edge(name, _quoted(node.out), graph, stopped=stops)
    for term in graph.terms:
        for port, of in term.ports.items():
            for name in (of,) if isinstance(of, str) else of:
                end = _term(term.name)
                yield _edge(name, end, graph, stopped=name in stopped, port=port)
        yield f"{_term(term.name)} -> loss;"


def _stopped(graph: GraphPlan) -> set[str]:
    """Return the streams without a gradient: inputs, outputs of teachers, and their descendants."""
    nodes = (*graph.encode, *graph.loss)
    constant = set(graph.streams) - {node.out for node in nodes}
    for node in nodes:
        trained = isinstance(node, ApplyNode) and node.teacher is None
        if _stops(node) or (not trained and constant.issuperset(reads(node))):
            constant.add(node.out)
    return constant


def _edge(start: str, end: str, graph: GraphPlan, *, stopped: bool, port: str = "") -> str:
    facts = [f"label={_quoted(port)}"] if port else []
    if start in graph.cut:
        facts += [f"xlabel={_quoted(str(graph.streams[start]))}", "penwidth=2"]
    facts += [_STOPPED] if stopped else []
    attributes = f" [{', '.join(facts)}]" if facts else ""
    return f"{_quoted(start)} -> {end}{attributes};"


def _stops(node: Node) -> bool:
    """Whether a node stops the gradient."""
    return isinstance(node, DetachNode) or (
        isinstance(node, ApplyNode) and node.teacher is not None
    )


def _term(name: str) -> str:
    """Return the id of a term's node; the prefix separates it from a stream of the same name."""
    return _quoted(f"term {name}")


def _label(first: str, second: str) -> str:
    return f"label={_quoted(chr(10).join((first, second)))}"


def _quoted(text: str) -> str:
    """Quote a string; DOT and JSON use the same escapes."""
    return json.dumps(text, ensure_ascii=False)
