"""Laws of terms: what changes their value, what does not, and what never breaks them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.term_examples import EXAMPLES, build, call, tensors

EACH = pytest.mark.parametrize("key", EXAMPLES, ids=" ".join)
SEEDS = st.integers(0, 2**32 - 1)
BATCH = 8


def value(key: tuple[str, str], streams: dict[str, Tensor]) -> Tensor:
    return call(key, build(key).double(), streams, schedules=torch.float64)


def along_samples(key: tuple[str, str], name: str) -> int:
    return EXAMPLES[key].streams[name].axes.index("B")


@pytest.mark.parametrize("key", [k for k in EXAMPLES if k[1] != "groups"], ids=" ".join)
@settings(max_examples=10)
@given(seed=SEEDS)
def test_the_order_of_samples_does_not_matter(key: tuple[str, str], seed: int) -> None:
    streams = tensors(key, batch=BATCH, dtype=torch.float64, seed=seed)
    order = torch.randperm(BATCH, generator=torch.Generator().manual_seed(seed))
    shuffled = {n: x.index_select(along_samples(key, n), order) for n, x in streams.items()}
    torch.testing.assert_close(value(key, shuffled), value(key, streams), rtol=1e-9, atol=1e-12)


def degenerate(x: Tensor, *, kind: str, scale: float) -> Tensor:
    if not x.is_floating_point():
        return x
    changed = {
        "random": x,
        "zero": torch.zeros_like(x),
        "constant": torch.ones_like(x),
        "twins": x[:, :1].expand_as(x) if x.ndim > 2 else x[:1].expand_as(x),
    }
    return (scale * changed[kind]).detach().clone()


@EACH
@settings(max_examples=20)
@given(
    seed=SEEDS,
    dtype=st.sampled_from([torch.bfloat16, torch.float32, torch.float64]),
    kind=st.sampled_from(["random", "zero", "constant", "twins"]),
    scale=st.sampled_from([1e-4, 1.0, 300.0]),
)
def test_values_and_gradients_are_finite(
    key: tuple[str, str], seed: int, dtype: torch.dtype, kind: str, scale: float
) -> None:
    streams = {
        name: degenerate(x, kind=kind, scale=scale)
        for name, x in tensors(key, batch=BATCH, dtype=dtype, seed=seed).items()
    }
    learned = [x.requires_grad_() for x in streams.values() if x.is_floating_point()]
    term = build(key)
    loss = call(key, term, streams)
    loss.backward()
    assert loss.isfinite()
    assert all(x.grad.isfinite().all() for x in learned if x.grad is not None)
    assert all(x.isfinite().all() for x in term.buffers())


@pytest.mark.parametrize("name", ["contrastive", "info_nce", "koleo"])
@settings(max_examples=10)
@given(seed=SEEDS, scale=st.floats(0.01, 100))
def test_lengths_of_features_do_not_matter(name: str, seed: int, scale: float) -> None:
    streams = tensors((name, ""), batch=BATCH, dtype=torch.float64, seed=seed)
    longer = {port: x * scale for port, x in streams.items()}
    torch.testing.assert_close(
        value((name, ""), longer), value((name, ""), streams), rtol=1e-6, atol=1e-8
    )


@settings(max_examples=10)
@given(seed=SEEDS, scale=st.floats(0.01, 0.9))
def test_variance_wants_spread(seed: int, scale: float) -> None:
    x = tensors(("variance", ""), batch=BATCH, dtype=torch.float64, seed=seed)["x"]
    x = x / x.std(dim=1, keepdim=True)
    wide, narrow = value(("variance", ""), {"x": x}), value(("variance", ""), {"x": scale * x})
    assert narrow > wide + 0.5 * (1 - scale)


@settings(max_examples=10)
@given(seed=SEEDS, shift=st.floats(-5, 5))
def test_a_teacher_may_add_what_it_likes_to_all_logits(seed: int, shift: float) -> None:
    key = ("self_distillation", "")
    streams = tensors(key, batch=BATCH, dtype=torch.float64, seed=seed)
    shifted = {**streams, "teacher": streams["teacher"] + shift}
    torch.testing.assert_close(value(key, shifted), value(key, streams), rtol=1e-9, atol=0)


@settings(max_examples=10)
@given(seed=SEEDS)
def test_tokens_that_are_not_there_do_not_matter(seed: int) -> None:
    """Padding of a fixed capacity changes neither value nor state, whatever it holds."""
    for variant in ("gathered", "sinkhorn"):
        key = ("masked_distillation", variant)
        streams = tensors(key, batch=BATCH, dtype=torch.float64, seed=seed)
        absent = ~streams["mask"].unsqueeze(-1)
        other = {
            name: x if name == "mask" else x.masked_fill(absent, 7.0) for name, x in streams.items()
        }
        terms = [build(key).double() for _ in range(2)]
        values = [call(key, t, s) for t, s in zip(terms, (streams, other), strict=True)]
        torch.testing.assert_close(*values, rtol=1e-12, atol=0)
        for mine, its in zip(terms[0].buffers(), terms[1].buffers(), strict=True):
            torch.testing.assert_close(mine, its)


def test_an_empty_mask_leaves_the_centre_where_it_is() -> None:
    key = ("masked_distillation", "gathered")
    streams = tensors(key, batch=BATCH, dtype=torch.float64)
    term = build(key).double()
    call(key, term, streams)
    before = term.targets.centre.clone()
    assert before.norm() > 0
    nothing = {**streams, "mask": torch.zeros_like(streams["mask"])}
    assert call(key, term, nothing) == 0
    torch.testing.assert_close(term.targets.centre, before)


@settings(max_examples=10)
@given(seed=SEEDS)
def test_sinkhorn_uses_prototypes_alike_when_it_may_take_its_time(seed: int) -> None:
    from eqspec.nn.terms.teacher_targets import Sinkhorn
    from eqspec.nn.world import World

    logits = torch.randn(12, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    balance = Sinkhorn(iterations=200, world=World())
    targets = balance(logits, temperature=torch.tensor(0.5), counted=None)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(12, dtype=torch.float64))
    torch.testing.assert_close(targets.sum(dim=0), torch.full((4,), 3.0, dtype=torch.float64))


@dataclass(frozen=True)
class Board:
    """Where the ranks of one process meet: each pins a tensor, all read all."""

    size: int
    barrier: threading.Barrier
    pinned: dict[int, Tensor] = field(default_factory=dict)

    def exchange(self, rank: int, x: Tensor) -> list[Tensor]:
        self.pinned[rank] = x
        self.barrier.wait(timeout=60)
        everyone = [self.pinned[r] for r in range(self.size)]
        self.barrier.wait(timeout=60)
        return everyone


@dataclass(frozen=True)
class ThreadWorld:
    """A rank in a thread. Gradients cross ranks because all share one autograd graph."""

    rank: int
    board: Board

    def gather(self, x: Tensor, *, axis: int) -> Tensor:
        return torch.cat(self.board.exchange(self.rank, x), dim=axis)

    def sum(self, x: Tensor) -> Tensor:
        return torch.stack(self.board.exchange(self.rank, x)).sum(dim=0)

    def mean(self, x: Tensor) -> Tensor:
        return self.sum(x) / self.board.size


@EACH
@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_that_share_a_batch_change_nothing(key: tuple[str, str], ranks: int) -> None:
    """Value, gradient and state, with the mean of the ranks' losses as the loss."""
    batch = BATCH * (2 if key[1] == "groups" else 1)
    alone: dict[str, Any] = tensors(key, batch=batch, dtype=torch.float64, seed=1)
    shared = {name: x.clone() for name, x in alone.items()}
    for x in (*alone.values(), *shared.values()):
        x.requires_grad_(x.is_floating_point())
    one = build(key).double()
    expected = call(key, one, alone)
    expected.backward()

    board = Board(size=ranks, barrier=threading.Barrier(ranks))
    terms = [build(key, world=ThreadWorld(rank, board)).double() for rank in range(ranks)]
    parts = {name: x.chunk(ranks, dim=along_samples(key, name)) for name, x in shared.items()}
    with ThreadPoolExecutor(ranks) as pool:
        losses = pool.map(
            lambda rank: call(key, terms[rank], {n: p[rank] for n, p in parts.items()}),
            range(ranks),
        )
        loss = torch.stack(list(losses)).mean()
    loss.backward()

    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-14)
    for name, x in alone.items():
        if x.grad is not None:
            torch.testing.assert_close(shared[name].grad, x.grad, rtol=1e-9, atol=1e-14)
    for term in terms:
        for mine, its in zip(term.buffers(), one.buffers(), strict=True):
            torch.testing.assert_close(mine, its, rtol=1e-12, atol=1e-14)
