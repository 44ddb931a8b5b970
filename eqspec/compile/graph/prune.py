"""Dead-code removal: nodes, modules, inputs and teacher copies on which no term depends."""

from __future__ import annotations

from dataclasses import replace

from eqspec.compile.graph.draft import Draft, reads, term_reads
from eqspec.compile.types.error import GraphError
from eqspec.compile.types.graph import ApplyNode, Node


def order(draft: Draft, *, given: frozenset[str]) -> Draft:
    """Return the draft with its nodes sorted so that every stream is computed before it is read.

    Args:
        given: names of the built-in input streams; those of drawn inputs are known from the draft.

    Raises:
        GraphError: on a stream that nothing makes, one made twice, or a cycle.
    """
    makers = _makers(draft, given=given)
    done: list[Node] = []
    ready = given | _drawn(draft)
    waiting = list(draft.nodes)
    while waiting:
        now = [node for node in waiting if all(name in ready for name in reads(node))]
        if not now:
            _explain_stuck(waiting, makers=makers, given=given | _drawn(draft))
        done.extend(now)
        ready |= {node.out for node in now}
        waiting = [node for node in waiting if node.out not in ready]
    for name, term in draft.terms.items():
        for stream in term_reads(term):
            if stream not in ready:
                raise GraphError(
                    ("terms", name), f"stream `{stream}` is never made", help=_listed(ready)
                )
    return replace(draft, nodes=tuple(done))


def _makers(draft: Draft, *, given: frozenset[str]) -> dict[str, Node]:
    """Map each stream to the one node that computes it; drawn streams have none."""
    for name in draft.inputs:
        if name in given:
            raise GraphError(("inputs", name), f"stream `{name}` is there without being drawn")
    makers: dict[str, Node] = {}
    for node in draft.nodes:
        if node.out in makers or node.out in given or node.out in draft.inputs:
            raise GraphError(("flow", node.out), f"stream `{node.out}` is made twice")
        makers[node.out] = node
    return makers


def prune(draft: Draft) -> Draft:
    """Return the draft without everything on which no term depends; its nodes must be sorted.

    Raises:
        GraphError: there is no term at all, of the method or of a rewrite.
    """
    if not draft.terms:
        raise GraphError(
            ("terms",),
            "the method has no term, so that there is nothing to train",
            help="add a term, or a rewrite that adds one",
        )
    live = {name for term in draft.terms.values() for name in term_reads(term)}
    kept: list[Node] = []
    for node in reversed(draft.nodes):
        if node.out in live:
            kept.append(node)
            live.update(reads(node))
    nodes = tuple(reversed(kept))
    applied = {n.module for n in nodes if isinstance(n, ApplyNode)}
    by_teacher = {(n.teacher, n.module) for n in nodes if isinstance(n, ApplyNode) and n.teacher}
    teachers = tuple(
        t.model_copy(update={"follows": tuple(m for m in t.follows if (t.name, m) in by_teacher)})
        for t in draft.teachers
        if any((t.name, m) in by_teacher for m in t.follows)
    )
    return replace(
        draft,
        nodes=nodes,
        modules={name: m for name, m in draft.modules.items() if name in applied},
        teachers=teachers,
        inputs={n: i for n, i in draft.inputs.items() if any(s.split(".")[0] == n for s in live)},
    )


def live_streams(draft: Draft) -> frozenset[str]:
    """Every stream that a node or a term reads."""
    named = {name for term in draft.terms.values() for name in term_reads(term)}
    return frozenset(named | {name for node in draft.nodes for name in reads(node)})


def _drawn(draft: Draft) -> frozenset[str]:
    """Streams of the drawn inputs that something reads; `infer` checks that the ops make them."""
    return frozenset(s for s in live_streams(draft) if s.split(".")[0] in draft.inputs)


def _explain_stuck(waiting: list[Node], *, makers: dict[str, Node], given: frozenset[str]) -> None:
    for node in waiting:
        for name in reads(node):
            if name not in makers and name not in given:
                raise GraphError(
                    ("flow", node.out),
                    f"stream `{name}` is never made",
                    help=_listed({*makers, *given}),
                )
    names = ", ".join(f"`{node.out}`" for node in waiting)
    raise GraphError(("flow", waiting[0].out), f"these streams wait for one another: {names}")


def _listed(names: set[str] | frozenset[str]) -> str:
    return "there are: " + ", ".join(sorted(names))
