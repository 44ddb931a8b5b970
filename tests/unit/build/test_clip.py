from __future__ import annotations

import pytest
import torch
from torch import nn

from eqspec.build.parallel.clip import clip_gradients
from eqspec.compile.types.plan import ClipPlan

SLOPES = {"a.one": [3.0, 4.0], "a.two": [12.0], "b.one": [0.3, 0.4]}


def parameters(dtype: torch.dtype = torch.float32) -> dict[str, nn.Parameter]:
    """Three parameters of two modules, and one that nothing has reached."""
    built: dict[str, nn.Parameter] = {}
    for name, slope in SLOPES.items():
        built[name] = nn.Parameter(torch.zeros(len(slope), dtype=dtype))
        built[name].grad = torch.tensor(slope, dtype=dtype)
    return {**built, "b.still": nn.Parameter(torch.zeros(1, dtype=dtype))}


def norms(named: dict[str, nn.Parameter]) -> list[float]:
    return [float(p.grad.norm()) for p in named.values() if p.grad is not None]


WHOLE = (5.0**2 + 12.0**2 + 0.5**2) ** 0.5
EXPECTED = {
    "parameter": [1.0, 1.0, 0.5],
    "module": [5 / 13, 12 / 13, 0.5],
    "all": [5 / WHOLE, 12 / WHOLE, 0.5 / WHOLE],
}


@pytest.mark.parametrize("over", EXPECTED)
def test_each_group_is_as_long_as_allowed(over: str) -> None:
    named = parameters()
    before = clip_gradients(named.items(), ClipPlan(norm=1.0, over=over))
    assert float(before) == pytest.approx(WHOLE)
    assert norms(named) == pytest.approx(EXPECTED[over], rel=1e-5)
    assert named["b.still"].grad is None


def test_modules_that_are_one_to_the_paper_are_clipped_together() -> None:
    named = {**parameters(), "c.alone": nn.Parameter(torch.zeros(2))}
    named["c.alone"].grad = torch.tensor([3.0, 4.0])
    clip_gradients(named.items(), ClipPlan(norm=1.0, over="module", joined=(("a", "b"),)))
    assert norms(named) == pytest.approx([5 / WHOLE, 12 / WHOLE, 0.5 / WHOLE, 1.0], rel=1e-5)


def test_short_gradients_stay_as_they_are() -> None:
    named = parameters()
    clip_gradients(named.items(), ClipPlan(norm=100.0))
    assert {n: p.grad.tolist() for n, p in named.items() if p.grad is not None} == {
        name: torch.tensor(slope).tolist() for name, slope in SLOPES.items()
    }


def test_without_a_plan_it_measures_only() -> None:
    named = parameters(torch.float64)
    total = clip_gradients(named.items(), None)
    assert total.dtype == torch.float64
    assert float(total) == pytest.approx(WHOLE, rel=1e-15)
    assert norms(named) == pytest.approx([5.0, 12.0, 0.5])
