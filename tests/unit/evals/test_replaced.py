"""Which replaced images a result names depends on what its evaluation reads alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from eqspec.compile.types.plan import DataPlan, EvalPlan
from eqspec.evals import replaced
from eqspec.evals.bench import Bench
from eqspec.evals.evaluate import evaluate
from eqspec.evals.features import Subject
from eqspec.evals.images import chosen_images
from eqspec.ops.decode import UnreadableImage
from eqspec.ops.tolerant import Tolerant
from tests.fakes import FakeImages

COUNT = 12


@dataclass(frozen=True)
class Damaged(FakeImages):
    damaged: frozenset[int] = field(default=frozenset())

    def image(self, i: int) -> np.ndarray:
        if i in self.damaged:
            raise UnreadableImage(f"{i}.jpg", "truncated")
        return super().image(i)


def bench(*damaged: int) -> Bench:
    def encoder(images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3))[:, None]

    def split() -> Tolerant:
        return Tolerant(Damaged(COUNT, damaged=frozenset(damaged)), limit=COUNT)

    subject = Subject(encoder=encoder, prefix=0, size=16, mean=(0, 0, 0), std=(1, 1, 1))
    return Bench(subject, train=split(), held_out=split())


def facts(built: Bench, *, images: int) -> dict[str, Any]:
    data = DataPlan(name="fake", impl="fake", params={}, split="train", count=COUNT)
    params = {"images": images, "rows": ["encoder"]}
    name = "effective_rank"
    plan = EvalPlan(id="abc", name=name, impl=name, rev=1, params=params, data=data, steps=())
    return dict(evaluate(plan, built).facts)


def test_an_evaluation_of_fewer_images_names_none_of_the_others() -> None:
    few = chosen_images(COUNT, limit=4).tolist()
    other = next(i for i in range(COUNT) if i not in few)
    built = bench(few[1], other)
    both = [{"number": n, "name": f"image {n}"} for n in sorted((few[1], other))]
    assert facts(built, images=COUNT)["replaced"] == {"held-out": both}
    one = {"held-out": [{"number": few[1], "name": f"image {few[1]}"}]}
    for at in (built, bench(few[1], other)):
        reported = facts(at, images=4)
        assert (reported["replaced_images"], reported["replaced"]) == (1, one)


def test_all_are_counted_and_some_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaced, "MOST", 2)
    reported = facts(bench(2, 4, 6), images=COUNT)
    assert reported["replaced_images"] == 3
    assert [one["number"] for one in reported["replaced"]["held-out"]] == [2, 4]


def test_of_whole_images_nothing_is_said() -> None:
    assert "replaced" not in "".join(facts(bench(), images=COUNT))
