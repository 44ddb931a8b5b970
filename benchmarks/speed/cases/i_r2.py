"""Case I: R² of five families at three borders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.speed.case import Case, Comparison, Contestant, Facts, Setting, Work
from benchmarks.speed.work.features import normal
from benchmarks.speed.work.readouts import evaluated

FAMILIES = {"rot": 1, "color": 4, "blur": 1, "trans": 2, "se2": 3}
"""Family → number of its parameters."""

BORDERS = ("reflect", "zeros", "canvas")
OURS, PEER = "eqspec", "one regressor at a time"


@dataclass(frozen=True, slots=True)
class Size:
    """Pairs of images, features of an image, and the fitting."""

    pairs: int
    width: int
    hidden: tuple[int, int]
    epochs: int
    batch: int
    seeds: int


def size(setting: Setting) -> Size:
    """Return the size of the setting."""
    sizes = {
        "full": Size(2000, 384, (256, 256), epochs=10, batch=256, seeds=3),
        "quick": Size(400, 64, (64, 64), epochs=2, batch=128, seeds=3),
        "toy": Size(256, 8, (32, 32), epochs=8, batch=32, seeds=2),
    }
    return sizes[setting.scale]


def features(size: Size, name: str) -> Tensor:
    """Return features of images before, or after, a transformation."""
    return normal(name, size.pairs, size.width)


def targets(family: str, *, size: Size) -> np.ndarray:
    """Return the parameters of a family in [−1, 1], partly linear in the moved features."""
    parameters = FAMILIES[family]
    moved = features(size, f"moved.{family}")
    weights = normal(f"weights.{family}", size.width, parameters) / size.width**0.5
    return (moved @ weights).tanh().numpy().astype(np.float64)


@dataclass(frozen=True, slots=True)
class PairBench:
    """Stands for an encoder whose features of pairs are known."""

    size: Size

    def pairs(self, split: str, **_: object):  # noqa: ANN201, ARG002 - eqspec's; the splits are alike
        """Return the features of a split."""
        from eqspec.nn.readouts.pair_features import PairFeatures

        at = np.arange(self.size.pairs)
        return PairFeatures(
            still={"encoder": features(self.size, "still")},
            moved={
                ("encoder", f, b): features(self.size, f"moved.{f}")[:, None]
                for f, b in product(FAMILIES, BORDERS)
            },
            theta={f: targets(f, size=self.size)[:, None] for f in FAMILIES},
            ranges={f: np.tile([-1.0, 1.0], (n, 1)) for f, n in FAMILIES.items()},
            names={f: tuple(str(p) for p in range(n)) for f, n in FAMILIES.items()},
            images=at,
            sources=at,
        )


def ours(setting: Setting) -> Work:
    """Return eqspec's evaluation `r2`."""
    s = size(setting)
    # The bench has fixed features, so the families' own parameters are not read.
    families = {name: {"impl": "rot", "params": {"degrees": [-9.0, 9.0]}} for name in FAMILIES}
    params = {
        "families": families,
        "borders": BORDERS,
        "rows": ["encoder"],
        "draws": 1,
        "train_pairs": s.pairs,
        "heldout_pairs": s.pairs,
        "hidden": s.hidden,
        "epochs": s.epochs,
        "batch": s.batch,
        "lr": 1e-3,
        "seeds": s.seeds,
    }
    bench = PairBench(s)
    return Work(lambda: evaluated("r2", params, bench, metric="r2"))


def one_at_a_time(setting: Setting) -> Work:
    """Return a loop over families, borders and seeds that fits a plain MLP each."""
    s = size(setting)
    still = features(s, "still")
    inputs = {f: torch.cat([still, features(s, f"moved.{f}")], dim=1) for f in FAMILIES}
    wanted = {f: torch.from_numpy(targets(f, size=s)).float() for f in FAMILIES}

    def turn() -> Facts:
        found = [
            fitted(inputs[family], wanted[family], size=s)
            for family, _, _ in product(FAMILIES, BORDERS, range(s.seeds))
        ]
        return {"R²": sum(found) / len(found)}

    return Work(turn)


def fitted(x: Tensor, y: Tensor, *, size: Size) -> float:
    """Fit one regressor; return its R² on the same pairs."""
    x = (x - x.mean(dim=0)) / x.std(dim=0)
    first, second = size.hidden
    model = nn.Sequential(
        nn.Linear(x.shape[1], first),
        nn.ReLU(),
        nn.Linear(first, second),
        nn.ReLU(),
        nn.Linear(second, y.shape[1]),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    steps = size.epochs * len(list(_batches(len(x), size.batch)))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(size.epochs):
        for ids in _batches(len(x), size.batch):
            optimizer.zero_grad()
            functional.mse_loss(model(x[ids]), y[ids]).backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        rss = (model(x) - y).square().sum(dim=0)
    return float((1 - rss / (y - y.mean(dim=0)).square().sum(dim=0)).mean())


def _batches(count: int, batch: int) -> Iterator[Tensor]:
    return iter(torch.randperm(count).tensor_split(max(1, round(count / batch))))


CASE = Case(
    title="R² of five families, three borders, 2,000 pairs of 384 features, three regressors",
    about=(
        "45 MLPs 768-256-256-P, 10 epochs of AdamW in batches of 256, and R² of their predictions. "
        "eqspec fits the regressors of a family and border at once, and computes confidence "
        "intervals."
    ),
    unit="evaluations",
    contestants=(Contestant(OURS, ours), Contestant(PEER, one_at_a_time)),
    comparisons=lambda _: (Comparison(PEER, OURS, at_least=3.0),),
    agree={"R²": 0.15},
)
