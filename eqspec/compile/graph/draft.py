"""The graph while it is being compiled: nodes without types, modules without widths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import JsonValue

from eqspec.compile.types.graph import ApplyNode, Node, PredictorPlan, TeacherPlan
from eqspec.spec.use import OpCall


@dataclass(frozen=True, slots=True)
class ModuleDraft:
    """A module before its inputs are known."""

    family: Literal["backbones", "heads", "decoders"]
    impl: str
    params: Mapping[str, JsonValue]
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class InputDraft:
    """A mask op for one view group."""

    impl: str
    params: Mapping[str, JsonValue]
    of: str


@dataclass(frozen=True, slots=True)
class TermDraft:
    """A term before its inputs are known."""

    impl: str
    params: Mapping[str, JsonValue]
    ports: Mapping[str, str | tuple[str, ...]]
    weight: float | OpCall


@dataclass(frozen=True, slots=True)
class Draft:
    """A whole graph, one step before it is typed."""

    modules: Mapping[str, ModuleDraft]
    teachers: tuple[TeacherPlan, ...]
    inputs: Mapping[str, InputDraft]
    nodes: tuple[Node, ...]
    terms: Mapping[str, TermDraft]
    split: tuple[int, int] | None = None
    embedding: str | None = None
    added: tuple[str, ...] = ()
    predictor: PredictorPlan | None = None


def reads(node: Node) -> tuple[str, ...]:
    """Names of the streams a node reads."""
    match node:
        case ApplyNode():
            return tuple(node.ports.values())
        case _ if node.kind == "gather":
            return (node.of, node.ids)
        case _ if isinstance(node.of, tuple):
            return node.of
        case _:
            return (node.of,)


def term_reads(term: TermDraft) -> tuple[str, ...]:
    """Names of the streams a term reads, in the order of its ports."""
    return tuple(
        name
        for streams in term.ports.values()
        for name in ((streams,) if isinstance(streams, str) else streams)
    )


def renamed_ports(term: TermDraft, names: Mapping[str, str]) -> TermDraft:
    """Return the term with streams renamed."""
    ports = {
        port: names.get(s, s) if isinstance(s, str) else tuple(names.get(n, n) for n in s)
        for port, s in term.ports.items()
    }
    return replace(term, ports=ports)


def renamed_reads(node: Node, names: Mapping[str, str]) -> Node:
    """Return the node with streams renamed."""
    match node:
        case ApplyNode():
            return node.model_copy(
                update={"ports": {p: names.get(s, s) for p, s in node.ports.items()}}
            )
        case _ if node.kind == "gather":
            return node.model_copy(
                update={"of": names.get(node.of, node.of), "ids": names.get(node.ids, node.ids)}
            )
        case _ if isinstance(node.of, tuple):
            return node.model_copy(update={"of": tuple(names.get(n, n) for n in node.of)})
        case _:
            return node.model_copy(update={"of": names.get(node.of, node.of)})
