"""A second implementation of `intermediate-reconstruction-pooled`, as its card describes it."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from eqspec.build.graph.training_graph import TrainGraph
from tests.reference.plain_layers import head, upsampled, vicreg

Streams = dict[str, Tensor]


def pooled_reconstruction(graph: TrainGraph, streams: Streams) -> Tensor:
    """Decoder k reads the equivariant patches of view 1, and of view 2 their mean alone."""
    linear = graph.students["embed"].linears[0]
    z = streams["tokens"][:, :, 1:] @ linear.weight.T + linear.bias
    half = z.shape[-1] // 2
    method = vicreg(*(head(graph, "projector", x.mean(dim=1)) for x in z[..., :half]))
    first, mean_second = z[0, :, :, half:], z[1, :, :, half:].mean(dim=1)
    errors = [
        (decoded(graph, f"decoder_{k}", first, mean_second) - target).square().mean()
        for k, target in enumerate(streams["between"], start=1)
    ]
    return method + sum(errors) / len(errors)


def decoded(graph: TrainGraph, name: str, tokens: Tensor, given: Tensor) -> Tensor:
    """Patch tokens `[B, N, E]` and a vector for each image to pixels."""
    decoder = graph.students[name]
    x = tokens @ decoder.linear.weight.T + decoder.linear.bias
    x = x + (given @ decoder.given.weight.T)[:, None] + positions(decoder.grid, x.shape[-1])
    for block in decoder.blocks:
        x = x + attended(block.attn, layer_normed(x, block.norm1))
        hidden = F.gelu(layer_normed(x, block.norm2) @ block.mlp.fc1.weight.T + block.mlp.fc1.bias)
        x = x + hidden @ block.mlp.fc2.weight.T + block.mlp.fc2.bias
    return upsampled(decoder, x)


def positions(grid: tuple[int, int], width: int) -> Tensor:
    """Sines, then cosines, of the column, then of the row, at wavelengths from 2π to 20000π."""
    rows, columns = grid
    quarter = width // 4
    codes = torch.zeros(rows * columns, width, dtype=torch.float64)
    for row in range(rows):
        for column in range(columns):
            for f in range(quarter):
                speed = 10000.0 ** (-f / quarter)
                for part, place in enumerate((column, row)):
                    start = 2 * part * quarter + f
                    codes[row * columns + column, start] = math.sin(place * speed)
                    codes[row * columns + column, start + quarter] = math.cos(place * speed)
    return codes


def layer_normed(x: Tensor, norm: torch.nn.Module) -> Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    return centred / (centred.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt() * norm.weight + (
        norm.bias
    )


def attended(attention: torch.nn.Module, x: Tensor) -> Tensor:
    """Attention of every token to every token, head by head."""
    width, heads = x.shape[-1], attention.num_heads
    qkv = x @ attention.qkv.weight.T + attention.qkv.bias
    mixed: list[Tensor] = []
    for at in range(heads):
        part = slice(at * width // heads, (at + 1) * width // heads)
        query, key, value = (block[..., part] for block in qkv.split(width, dim=-1))
        weight = (query @ key.mT / math.sqrt(width // heads)).softmax(dim=-1)
        mixed.append(weight @ value)
    return torch.cat(mixed, dim=-1) @ attention.proj.weight.T + attention.proj.bias
