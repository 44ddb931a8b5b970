"""A second implementation of SER, in which tokens move over their grid as the image does."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from eqspec.build.graph.training_graph import TrainGraph
from tests.reference.plain_layers import Streams, base


def place(row: int, column: int, *, side: int, turns: int) -> tuple[int, int]:
    """Where a token of a mirrored and then turned grid was before."""
    for _ in range(turns):
        row, column = column, side - 1 - row
    return row, side - 1 - column


def ser(graph: TrainGraph, streams: Streams) -> Tensor:
    """Token by token, in pairs of samples: partners and the tokens of the other sample compete."""
    first, second = graph.students["token_projector"].linears
    tokens = F.gelu(streams["mirrored_tokens"][:, :, 1:] @ first.weight.T) @ second.weight.T
    tokens = tokens / tokens.norm(dim=-1, keepdim=True)
    side = int(tokens.shape[2] ** 0.5)
    costs: list[Tensor] = []
    for turns, view in enumerate(tokens[1:]):
        for sample, seen in enumerate(view):
            for at, token in enumerate(seen):
                row, column = place(*divmod(at, side), side=side, turns=turns)
                partner = tokens[0, sample, row * side + column]
                alike = torch.stack([token @ partner, *(tokens[0, sample ^ 1] @ token)]) / 0.4
                costs.append(alike.logsumexp(dim=0) - alike[0])
    return base(graph, streams["tokens"]) + torch.stack(costs).mean()
