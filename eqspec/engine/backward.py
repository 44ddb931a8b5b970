"""Exact gradient of the global batch, for any number of micro-batches and ranks.

The graph has two parts: `encode`, and `loss`, which computes the loss. With one micro-batch, one
backward goes through both. With n: encode without gradient, compute the loss once on the rank's
whole share (which gives the gradient at the cut), then encode each micro-batch again and
backpropagate its slice of that gradient. This costs one more forward of the encoders and is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from eqspec.build.parallel.parts import OneProcess, Parts
from eqspec.nn.layers.batch_norm import GatheredBatchNorm, paused_statistics
from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from eqspec.build.graph.training_graph import Loss, TrainGraph
    from eqspec.ops.op import StreamType

Streams = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Backward:
    """Result of one backward pass.

    Attributes:
        loss: of this rank.
        cut_norms: norm at the cut of each term's weighted gradient, of the sum over the method's
            own terms (``method``) and of that over the terms of the rewrite (``added``); empty
            unless requested.
    """

    loss: Loss
    cut_norms: dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Forward:
    """A loss, and the tensors that its gradient passes through.

    Attributes:
        cut: streams at the cut; with their graph only if there is one micro-batch.
        leaves: the same, detached; the gradient of the loss accumulates in them.
    """

    loss: Loss
    cut: dict[str, Tensor]
    leaves: dict[str, Tensor]


def forward(
    graph: TrainGraph,
    streams: Streams,
    controls: Streams,
    *,
    parts: Parts | None = None,
    micro_batches: int = 1,
    compiled: bool = True,
) -> Forward:
    """Return the loss of this rank's whole share of the batch, cut at the encoders' outputs.

    Args:
        parts: of the graph; by default, those of one process.
        compiled: run the compiled form of the loss, if there is one.
    """
    parts = parts or OneProcess(graph)
    types = graph.plan.streams
    needed = {name: streams[name] for name in graph.encode.inputs}
    if micro_batches == 1:
        cut = parts.encode(needed)
    else:
        pieces = _encoded(graph, _split(needed, types, micro_batches))
        cut = {n: torch.cat([p[n] for p in pieces], dim=_batch_axis(types[n])) for n in pieces[0]}
    students = _students(graph)
    leaves = {n: x.detach().requires_grad_(n in students) for n, x in cut.items()}
    loss = parts.loss({**streams, **leaves}, controls, compiled=compiled)
    return Forward(loss=loss, cut=cut, leaves=leaves)


def backward(
    graph: TrainGraph,
    streams: Streams,
    controls: Streams,
    *,
    parts: Parts | None = None,
    micro_batches: int = 1,
    norms: bool = False,
) -> Backward:
    """Add the gradient of the global batch's loss to every trained parameter.

    Args:
        streams: inputs of this rank's whole share of the batch.
        controls: scheduled values (`ComputeLoss.forward`).
        parts: of the graph, which average gradients over the ranks; by default, those of one
            process.
        micro_batches: number of passes through the encoders; divides the share.
        norms: also measure each term's gradient at the cut, with one more backward per term.
    """
    parts = parts or OneProcess(graph)
    # Compiled code frees what its backward needs, so a backward per term takes uncompiled code.
    found = forward(
        graph, streams, controls, parts=parts, micro_batches=micro_batches, compiled=not norms
    )
    loss, cut, leaves = found.loss, found.cut, found.leaves
    students = _students(graph)
    norms_at_cut = (
        _cut_norms(loss, controls, leaves=[leaves[n] for n in students], added=graph.plan.added)
        if norms and students
        else {}
    )
    loss.total.backward()
    slopes = {n: leaf.grad for n in students if (leaf := leaves[n]).grad is not None}
    if slopes and micro_batches == 1:
        torch.autograd.backward([cut[n] for n in slopes], [slopes[n] for n in slopes])
    elif slopes:  # else every encoder is frozen
        _backward_of_pieces(graph, streams, slopes, parts=parts, count=micro_batches)
    parts.finish()
    return Backward(loss=loss, cut_norms=norms_at_cut)


def _backward_of_pieces(
    graph: TrainGraph, streams: Streams, slopes: Streams, *, parts: Parts, count: int
) -> None:
    """Encode each micro-batch again, and take its slice of the gradient at the cut back."""
    types = graph.plan.streams
    needed = {name: streams[name] for name in graph.encode.inputs}
    pieces = zip(_split(needed, types, count), _split(slopes, types, count), strict=True)
    with paused_statistics(graph):
        for at, (piece, slope) in enumerate(pieces, start=1):
            again = parts.students(piece, last=at == count)
            torch.autograd.backward([again[n] for n in slope], [slope[n] for n in slope])


@torch.no_grad()
def _encoded(graph: TrainGraph, pieces: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
    """Return the pieces at the cut; running statistics are updated once, by the pieces' mean.

    The update is linear, so it equals that of the whole batch.
    """
    norms = [m for m in graph.modules() if isinstance(m, GatheredBatchNorm)]
    statistics = [x for norm in norms for x in (norm.running_mean, norm.running_var)]
    before = [x.clone() for x in statistics]
    moved = [torch.zeros_like(x) for x in statistics]
    parts: list[dict[str, Tensor]] = []
    for piece in pieces:
        for x, start in zip(statistics, before, strict=True):
            x.copy_(start)
        parts.append(graph.encode(piece))
        for total, x in zip(moved, statistics, strict=True):
            total.add_(x, alpha=1 / len(pieces))
    for x, total in zip(statistics, moved, strict=True):
        x.copy_(total)
    return parts


def _students(graph: TrainGraph) -> tuple[str, ...]:
    """Return the streams at the cut of encoders that are trained."""
    return tuple(n.out for n in graph.plan.encode if graph.plan.is_trained(n))


def _split(
    streams: Streams, types: Mapping[str, StreamType], parts: int
) -> list[dict[str, Tensor]]:
    """Split the streams into equal consecutive shares of their samples."""
    chunks = {n: x.chunk(parts, dim=_batch_axis(types[n])) for n, x in streams.items()}
    return [{n: c[at] for n, c in chunks.items()} for at in range(parts)]


def _batch_axis(kind: StreamType) -> int:
    return kind.axes.index("B")


def _cut_norms(
    loss: Loss, controls: Streams, *, leaves: list[Tensor], added: tuple[str, ...]
) -> dict[str, Tensor]:
    """Return the norms at the cut of each term's weighted gradient, and of their two sums."""
    found: dict[str, Tensor] = {}
    sums = {"method": _zeros(leaves), "added": _zeros(leaves)}
    for name, value in loss.terms.items():
        slopes = torch.autograd.grad(value, leaves, retain_graph=True, allow_unused=True)
        weight = controls[f"{name}.weight"]
        pulls = [
            torch.zeros_like(x) if s is None else s * weight
            for s, x in zip(slopes, leaves, strict=True)
        ]
        origin = "added" if name in added else "method"
        sums[origin] = [a + b for a, b in zip(sums[origin], pulls, strict=True)]
        found[name] = _norm(pulls)
    if added:
        found |= {origin: _norm(pulls) for origin, pulls in sums.items()}
    return found


def _zeros(leaves: list[Tensor]) -> list[Tensor]:
    return [torch.zeros_like(x) for x in leaves]


def _norm(tensors: list[Tensor]) -> Tensor:
    return torch.stack([at_least_fp32(t).square().sum() for t in tensors]).sum().sqrt()
