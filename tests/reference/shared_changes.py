"""Second implementations of the rewrites in which several samples share a change: CARE and STL."""

from __future__ import annotations

import torch
from torch import Tensor

from eqspec.build.graph.training_graph import TrainGraph
from tests.reference.plain_layers import Streams, base, embedded, head


def matched(rows: Tensor, partner: list[int]) -> Tensor:
    """InfoNCE of each row with its partner among all others, at temperature 0.2."""
    units = rows / rows.norm(dim=1, keepdim=True)
    alike = units @ units.T / 0.2
    costs = [
        torch.cat([alike[i, :i], alike[i, i + 1 :]]).logsumexp(dim=0) - alike[i, j]
        for i, j in enumerate(partner)
    ]
    return sum(costs, torch.zeros(())) / len(costs)


def care(graph: TrainGraph, streams: Streams) -> Tensor:
    """Pairs of samples that share their two augmentations: here 2i and 2i + 1."""
    units: list[Tensor] = []
    for name in ("alike_0_tokens", "alike_1_tokens"):
        projected = head(graph, "projector", embedded(graph, streams[name])[0])
        units.append(projected / projected.norm(dim=1, keepdim=True))
    turned = [
        (units[0][i] @ units[0][i ^ 1] - units[1][i] @ units[1][i ^ 1]).square()
        for i in range(len(units[0]))
    ]
    return base(graph, streams["tokens"]) + 0.01 * 2 * sum(turned) / len(turned)


def stl(graph: TrainGraph, streams: Streams) -> Tensor:
    """Row by row: the change of sample i ^ 1 has to carry the features of sample i."""
    first, second = streams["tokens"][:, :, 1:].mean(dim=2)
    there = head(graph, "change", torch.cat([first, second], dim=1))
    back = head(graph, "change", torch.cat([second, first], dim=1))
    weight = graph.students["equi_predictor"].generator.weight
    width, samples = first.shape[1], len(first)

    def carried(x: Tensor, change: Tensor) -> Tensor:
        rows = [(weight @ change[i ^ 1]).reshape(width, width) @ x[i] for i in range(samples)]
        return head(graph, "equi_projector", torch.stack(rows))

    seen = [head(graph, "equi_projector", x) for x in (first, second)]
    reached = [carried(second, back), carried(first, there)]
    half = 2 * samples
    ring = [(i + half) % (2 * half) for i in range(2 * half)]
    equivariance = matched(torch.cat([*seen, *reached]), ring)
    changes = torch.cat([head(graph, "change_projector", x) for x in (there, back)])
    transformation = matched(changes, [i ^ 1 for i in range(half)])
    return base(graph, streams["tokens"]) + equivariance + 0.1 * transformation
