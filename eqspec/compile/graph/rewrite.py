"""Equivariance as a graph rewrite: cut the embedding, add modules and terms, rewire ports.

`cut: embedding` splits every application of the embedding module, its teacher copies included:
the stream's name now means the invariant part (the first d_inv features), which terms and all that
follows see; ``inv`` and ``equi`` name the two parts of the student's application for the
embedding's view group. Source of the idea: arXiv 2503.18753, section 3. `cut: encoder` splits every
application of the encoder below the embedding in the same way. Without a cut, ``embedded`` names
the embedding as a whole; ``encoded`` is always what the encoder made there, also where it is cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from eqspec.compile.graph.draft import Draft, TermDraft, reads, renamed_ports, renamed_reads
from eqspec.compile.graph.lower import AddedDraft, lower_addition
from eqspec.compile.graph.predictor import predictor_of
from eqspec.compile.types.error import GraphError
from eqspec.compile.types.graph import ApplyNode, Node, SliceNode
from eqspec.registry.cards import BackboneCard, EquivarianceCard, MethodCard
from eqspec.registry.grammar import EmbeddingDecl

PARTS = ("inv", "equi")
"""Names of the two parts of the embedding in a rewrite."""

WHOLE, ENCODED = "embedded", "encoded"
"""Names, in a rewrite that does not cut, of the embedding and of the encoder output below it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a rewrite.

    Attributes:
        split: (d_inv, d_equi); their sum is the width of what is cut. None for a rewrite without
            cut.
        images: how many copies `repeat: {k: images}` makes.
        values: what the card's `{setting: …}` and weights may name: lambda, reduction ….
    """

    split: tuple[int, int] | None
    images: int
    values: Mapping[str, JsonValue]


def rewrite(
    draft: Draft,
    card: EquivarianceCard,
    *,
    method: MethodCard,
    backbone: BackboneCard,
    settings: Settings,
) -> Draft:
    """The draft with the rewrite carried out.

    Args:
        card: with no alternatives left (`eqspec.compile.lookup.alternatives`).

    Raises:
        GraphError: when a name does not exist, or exists already.
    """
    embedding = method.embedding
    assert embedding is not None, "refused methods are turned away before"
    target = embedding_application(draft, embedding, groups=tuple(method.views))
    aliases = {ENCODED: _encoder_application(draft, target).out}
    cut = draft
    if settings.split is None:
        aliases[WHOLE] = target.out
    else:
        at = cut_application(draft, card, method=method)
        nodes, parts = _cut(draft.nodes, at.module, at.out, split=settings.split)
        itself = aliases[ENCODED] == at.out
        aliases |= {**parts, **({ENCODED: f"{at.out}.whole"} if itself else {})}
        cut = replace(draft, nodes=nodes, split=settings.split, embedding=at.module)
    brought = lower_addition(
        card.add, draft=cut, backbone=backbone, settings=settings.values, images=settings.images
    )
    _refuse_clashes(cut, brought)
    terms = {name: renamed_ports(term, aliases) for name, term in brought.terms.items()}
    grown = replace(
        cut,
        modules={**cut.modules, **brought.modules},
        nodes=(*cut.nodes, *(renamed_reads(node, aliases) for node in brought.nodes)),
        terms={**_without(cut.terms, card.drop), **terms},
        added=tuple(terms),
    )
    if card.predicts is not None:
        grown = replace(grown, predictor=predictor_of(card.predicts, grown.nodes, names=aliases))
    return _rewire(grown, {port: aliases.get(s, s) for port, s in card.rewire.items()})


def cut_application(draft: Draft, card: EquivarianceCard, *, method: MethodCard) -> ApplyNode:
    """The application that a rewrite cuts: of the embedding, or of the encoder below it.

    Raises:
        GraphError: as for `embedding_application`.
    """
    assert method.embedding is not None, "refused methods are turned away before"
    target = embedding_application(draft, method.embedding, groups=tuple(method.views))
    return _encoder_application(draft, target) if card.cut == "encoder" else target


def embedding_application(
    draft: Draft, embedding: EmbeddingDecl, *, groups: tuple[str, ...]
) -> ApplyNode:
    """The student's application of the embedding module for its view group.

    Args:
        groups: names of the method's view groups.

    Raises:
        GraphError: when there is none, or more than one and the card does not say `of:`.
    """
    origins = view_groups(draft.nodes, groups=groups)
    candidates = [
        node
        for node in draft.nodes
        if isinstance(node, ApplyNode)
        and node.module == embedding.module
        and node.teacher is None
        and origins.get(node.out) == embedding.group
        and (embedding.of is None or _chain_source(node, draft.nodes) == embedding.of)
    ]
    if len(candidates) != 1:
        outs = ", ".join(node.out for node in candidates) or "none"
        raise GraphError(
            ("embedding",),
            f"`{embedding.module}` must be applied to `{embedding.group}` once, but is: {outs}",
            help="name the stream that it reads there: `of: …`",
        )
    return candidates[0]


def view_groups(nodes: tuple[Node, ...], *, groups: tuple[str, ...]) -> dict[str, str]:
    """Stream → the view group that it comes from (the first one found along its inputs)."""
    origins = {group: group for group in groups}
    for node in nodes:
        found = [origins[name] for name in reads(node) if name in origins]
        if found:
            origins[node.out] = found[0]
    return origins


def _chain_source(node: ApplyNode, nodes: tuple[Node, ...]) -> str:
    """Input of the chain that a node ends or continues."""
    makers = {n.out: n for n in nodes}
    source = next(iter(node.ports.values()))
    root = node.out.split(".")[0]
    while source.split(".")[0] == root and isinstance(maker := makers.get(source), ApplyNode):
        source = next(iter(maker.ports.values()))
    return source


def _cut(
    nodes: tuple[Node, ...], module: str, target: str, *, split: tuple[int, int]
) -> tuple[tuple[Node, ...], dict[str, str]]:
    """Splits each application of `module`; also returns what ``inv`` and ``equi`` stand for."""
    d_inv, d_equi = split
    cut: list[Node] = []
    for node in nodes:
        if not (isinstance(node, ApplyNode) and node.module == module):
            cut.append(node)
            continue
        whole = f"{node.out}.whole"
        cut.append(node.model_copy(update={"out": whole}))
        cut.append(SliceNode(out=node.out, of=whole, start=0, stop=d_inv))
        cut.append(SliceNode(out=f"{node.out}.equi", of=whole, start=d_inv, stop=d_inv + d_equi))
    return tuple(cut), dict(zip(PARTS, (target, f"{target}.equi"), strict=True))


def _encoder_application(draft: Draft, node: ApplyNode) -> ApplyNode:
    """The application of the encoder that the embedding is computed from."""
    makers = {n.out: n for n in draft.nodes}
    name = node.out
    while (maker := makers.get(name)) is not None:
        if isinstance(maker, ApplyNode) and draft.modules[maker.module].family == "backbones":
            return maker
        name = reads(maker)[0]
    raise GraphError(("embedding",), f"`{node.out}` is not made from an encoder's output")


def _without(terms: Mapping[str, TermDraft], names: list[str]) -> dict[str, TermDraft]:
    """The method's terms but those that the rewrite drops."""
    for name in names:
        if name not in terms:
            raise GraphError(("drop",), f"the method has no term `{name}` that could be dropped")
    return {name: term for name, term in terms.items() if name not in names}


def _refuse_clashes(draft: Draft, brought: AddedDraft) -> None:
    streams = {node.out for node in draft.nodes}
    new = (*PARTS, WHOLE, ENCODED, *(n.out for n in brought.nodes))
    clashes = (
        [f"module `{m}`" for m in brought.modules if m in draft.modules]
        + [f"stream `{s}`" for s in new if s in streams]
        + [f"term `{t}`" for t in brought.terms if t in draft.terms]
    )
    if clashes:
        raise GraphError(("add",), f"the method already has the {', '.join(clashes)}")


def _rewire(draft: Draft, rewire: Mapping[str, str]) -> Draft:
    """Makes ports of terms (``term.port``) read other streams."""
    terms = dict(draft.terms)
    for target, stream in rewire.items():
        name, _, port = target.partition(".")
        if name not in terms or port not in terms[name].ports:
            raise GraphError(("rewire", target), f"`{target}` is no port of a term")
        terms[name] = replace(terms[name], ports={**terms[name].ports, port: stream})
    return replace(draft, terms=terms)
