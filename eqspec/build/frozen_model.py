"""Frozen models for evaluations: a program's encoder, its embedding if it is cut, its heads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from eqspec.build.graph.interpreter import run
from eqspec.compile.types.graph import ApplyNode, GraphPlan
from eqspec.nn.encoders.vit import VisionTransformerTokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eqspec.build.graph.training_graph import TrainGraph


@dataclass(frozen=True, slots=True)
class Frozen:
    """The parts of a trained graph that compute features.

    Attributes:
        encoder: normalised images `[B, 3, s, s]` → tokens `[B, N, D]`; the teacher's, if any.
        prefix: number of leading tokens that are not patches.
        embedding: tokens → `[B, N, d]` of the student, if a rewrite has cut it.
        layers: normalised images and numbers of blocks → the tokens of each; None for an encoder
            without such blocks.
        depth: number of such blocks.
        state: hash of the weights of encoder and embedding.
    """

    encoder: Callable[[Tensor], Tensor]
    prefix: int
    embedding: Callable[[Tensor], Tensor] | None
    layers: Callable[[Tensor, Sequence[int]], Sequence[Tensor]] | None
    depth: int
    state: str


def frozen(graph: TrainGraph) -> Frozen:
    """Put a graph into eval mode and return its parts that compute features."""
    graph.eval()
    plan = graph.plan
    backbone = next(m for m in plan.modules if m.family == "backbones")
    encoder = graph.encoder()

    def encode(images: Tensor) -> Tensor:
        return encoder(images=images)

    layered = encoder if isinstance(encoder, VisionTransformerTokens) else None
    return Frozen(
        encoder=encode,
        prefix=backbone.output.prefix,
        embedding=_embedding(graph),
        layers=None if layered is None else layered.layers,
        depth=0 if layered is None else len(layered.blocks),
        state=_state(graph, encoder),
    )


def _state(graph: TrainGraph, encoder: nn.Module) -> str:
    """Return the hash of the weights that features depend on, by name."""
    parts = {"encoder": encoder}
    if graph.plan.embedding is not None:
        parts |= {name: graph.students[name] for name in _chain(graph.plan)}
    digest = hashlib.sha256()
    for part, module in parts.items():
        for name, tensor in sorted(module.state_dict().items()):
            raw = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
            digest.update(f"{part}.{name} {tensor.dtype} {list(tensor.shape)}".encode())
            digest.update(raw.numpy().tobytes())
    return digest.hexdigest()


def _embedding(graph: TrainGraph) -> Callable[[Tensor], Tensor] | None:
    """Return the chain of student modules from the tokens to the cut, applied token by token."""
    if graph.plan.embedding is None:
        return None
    chain = _chain(graph.plan)
    modules: list[nn.Module] = [graph.students[name] for name in chain]

    def embed(tokens: Tensor) -> Tensor:
        for module in modules:
            tokens = module(x=tokens)
        return tokens

    return embed


def _chain(plan: GraphPlan) -> tuple[str, ...]:
    """Return the modules from the encoder's output to the cut's embedding, in order of application.

    Empty if the encoder's output itself is cut.
    """
    makers = {n.out: n for n in (*plan.encode, *plan.loss)}
    node = next(
        n
        for n in makers.values()
        if isinstance(n, ApplyNode) and n.module == plan.embedding and n.teacher is None
    )
    chain: list[str] = []
    while isinstance(node, ApplyNode) and node.out not in plan.cut:
        chain.append(node.module)
        source = makers.get(next(iter(node.ports.values())))
        assert source is not None, "an embedding reads an encoder's tokens"
        node = source
    return tuple(reversed(chain))


def heads(
    graph: TrainGraph, wanted: Iterable[str]
) -> Callable[[Mapping[str, Tensor]], dict[str, Tensor]]:
    """Put a graph into eval mode and return the function that computes some of its streams.

    The function gets views, `[V, B, 3, s, s]` normalised, actions and drawn parameters by name,
    as far as the streams depend on them, and computes nothing else.
    """
    graph.eval()
    names = tuple(dict.fromkeys(wanted))
    instructions = graph.computing(names)

    @torch.no_grad()
    def compute(streams: Mapping[str, Tensor]) -> dict[str, Tensor]:
        device = next(iter(streams.values())).device.type
        with torch.autocast(device, enabled=False):
            found = run(instructions, streams)
        return {name: found[name].to(torch.float32) for name in names}

    return compute


@torch.no_grad()
def reconstructions(graph: TrainGraph, streams: Mapping[str, Tensor]) -> Tensor | None:
    """Decode a batch to images `[K, B, 3, s, s]` in (0, 1); None without a path."""
    name = next((t.ports["x"] for t in graph.plan.terms if t.ports.get("y") == "between"), None)
    if not isinstance(name, str):
        return None
    graph.eval()
    cut = {**streams, **graph.encode(streams)}
    return run(graph.loss.instructions, cut)[name]
