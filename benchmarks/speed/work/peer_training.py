"""A training loop of plain torch, as the examples of the peers have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler

from benchmarks.speed.case import Facts, Setting, Work
from benchmarks.speed.work.pictures import pictures
from benchmarks.speed.work.training import Size
from eqspec.build.cores import usable_cores

MOST_WORKERS = 12
"""Loader workers at most; one per core below that."""

ENDLESS = 1 << 40
"""Samples of an epoch that never ends."""


@dataclass(frozen=True, slots=True)
class Model:
    """What a peer trains.

    Attributes:
        transform: image to a list of views.
        modules: encoder and head, applied one after the other to each view.
        loss: embeddings of the views, `[B, D]` each, to a scalar.
    """

    transform: Callable[[Any], Sequence[Tensor]]
    modules: nn.ModuleList
    loss: Callable[[Sequence[Tensor]], Tensor]


def peer_training(model: Model, *, setting: Setting, size: Size, precision: str) -> Work:
    """Return a peer's training steps as work."""
    from torchvision.datasets import ImageFolder

    folder = pictures(setting.folder / "pictures", count=size.images)
    dataset = ImageFolder(str(folder / "train"), transform=model.transform)
    arriving = _forever(dataset, setting=setting, size=size)
    modules = model.modules.to(setting.device).train()
    parameters = list(modules.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0.05)

    def step() -> float:
        views = [view.to(setting.device, non_blocking=True) for view in next(arriving)]
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(setting.device, torch.bfloat16, enabled=precision == "bf16"):
            embeddings = [_applied(modules, view) for view in views]
        loss = model.loss([z.float() for z in embeddings])
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    def turn() -> Facts:
        losses = [step() for _ in range(size.steps)]
        return {"loss": losses[-1]}

    return Work(turn=turn, facts={"parameters": float(sum(p.numel() for p in parameters))})


def _applied(modules: nn.ModuleList, x: Tensor) -> Tensor:
    for module in modules:
        x = module(x)
    return x


def _forever(dataset: Any, *, setting: Setting, size: Size) -> Iterator[Sequence[Tensor]]:
    loader = DataLoader(
        dataset,
        batch_size=size.batch,
        # One endless epoch: at the end of a short one, the workers would have nothing to do.
        sampler=RandomSampler(dataset, replacement=True, num_samples=ENDLESS),
        num_workers=min(usable_cores(), MOST_WORKERS),
        pin_memory=setting.device == "cuda",
    )
    return (views for views, _ in loader)
