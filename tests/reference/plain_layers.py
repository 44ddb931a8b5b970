"""Layers and VICReg's loss as plain tensor code: what the second implementations are made of."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from eqspec.build.graph.training_graph import TrainGraph

Streams = dict[str, Tensor]
Layer = tuple[str, bool]
"""What stands behind a linear layer: a norm (with its own weights or without), and a ReLU."""


def normed(x: Tensor, norm: torch.nn.Module) -> Tensor:
    """Batch statistics of these samples, or those of each token."""
    if isinstance(norm, torch.nn.Identity):
        return x
    weight, bias = getattr(norm, "weight", None), getattr(norm, "bias", None)
    if isinstance(norm, torch.nn.LayerNorm):
        return F.layer_norm(x, x.shape[-1:], weight, bias)
    middle, spread = x.mean(dim=0), x.var(dim=0, unbiased=False)
    x = (x - middle) / (spread + 1e-5).sqrt()
    return x if weight is None else x * weight + bias


def head(graph: TrainGraph, name: str, x: Tensor) -> Tensor:
    """A perceptron with ReLU on the samples of one view `[B, D]`."""
    module = graph.students[name]
    last = len(module.linears) - 1
    for at, (linear, norm) in enumerate(zip(module.linears, module.norms, strict=True)):
        x = normed(x @ linear.weight.T + (0 if linear.bias is None else linear.bias), norm)
        x = x.clamp(min=0) if at < last else x
    return x


def hinge(x: Tensor) -> Tensor:
    """VICReg's variance of one stream `[B, D]`."""
    return 0.5 * (1 - (x.var(dim=0) + 1e-4).sqrt()).clamp(min=0).mean()


def off_diagonal(x: Tensor) -> Tensor:
    """VICReg's covariance of one stream `[B, D]`."""
    centred = x - x.mean(dim=0)
    matrix = centred.T @ centred / (len(x) - 1)
    return (matrix.square().sum() - matrix.diagonal().square().sum()) / x.shape[1]


def embedded(graph: TrainGraph, tokens: Tensor) -> Tensor:
    """VICReg's embedding of all patches, pooled: `[V, B, D]`."""
    linear = graph.students["embed"].linears[0]
    return (tokens[:, :, 1:] @ linear.weight.T + linear.bias).mean(dim=2)


def vicreg(first: Tensor, second: Tensor) -> Tensor:
    """10/10/1, the loss of `vicreg_sie`."""
    pulls = 10 * (first - second).square().mean()
    kept = 10 * (hinge(first) + hinge(second))
    return pulls + kept + off_diagonal(first) + off_diagonal(second)


def base(graph: TrainGraph, tokens: Tensor) -> Tensor:
    return vicreg(*(head(graph, "projector", x) for x in embedded(graph, tokens)))


def upsampled(decoder: torch.nn.Module, tokens: Tensor) -> Tensor:
    """Tokens `[B, N, D]` on a decoder's grid to pixels, with batch statistics per channel."""
    x = tokens.mT.reshape(len(tokens), -1, *decoder.grid)
    for at, (up, norm) in enumerate(zip(decoder.ups, decoder.norms, strict=True)):
        x = F.conv_transpose2d(x, up.weight, stride=2, padding=1)
        x = normed(x.movedim(1, -1).flatten(0, 2), norm).reshape(len(x), *x.shape[2:], -1)
        x = x.movedim(-1, 1)
        x = x.clamp(min=0) if at < len(decoder.ups) - 1 else 1 / (1 + (-x).exp())
    return x
