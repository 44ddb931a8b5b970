"""One training step of one of many processes, without the others and without data.

torch's fake process group answers every collective at once, and fake tensors have shapes but no
values. So the real graph and the real backward run for any number of devices on a machine without
one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any

import torch
from torch import Tensor, distributed
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.testing._internal.distributed.fake_pg import FakeStore
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from eqspec.build.cost.fake_graph import FakeGraph
from eqspec.build.cost.live_memory import Live, size
from eqspec.build.cost.step_memory import optimizer_state
from eqspec.build.graph.training_graph import TrainGraph
from eqspec.build.program import check_pieces
from eqspec.compile.types.plan import Plan
from eqspec.engine.backward import backward
from eqspec.nn.world import World

BUCKET = 25 << 20
"""Bytes of gradients that DDP averages at once."""


@dataclass(frozen=True, slots=True)
class Collective:
    """Messages of one kind in a step.

    Attributes:
        name: `all_gather`, `all_reduce` …
        what: what is sent.
        count: number of messages.
        bytes: that this process contributes to all of them.
    """

    name: str
    what: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A step of rank 0.

    Attributes:
        devices: number of processes.
        share: samples of the batch that each of them has.
        memory: bytes at the peak of a step without compilation, of tensors.
        collectives: messages of a step.
    """

    devices: int
    share: int
    memory: int
    collectives: tuple[Collective, ...]


def rehearse(plan: Plan, *, devices: int) -> Rehearsal:
    """Build the graph of rank 0 and take one step of it.

    Raises:
        EqspecError: the batch cannot be divided so that every number stays the same.
    """
    world = World(rank=0, size=devices)
    check_pieces(plan, world=world)
    share = plan.train.batch // devices
    with _alone(devices):
        fake = _graph(plan, world=world)
        streams, controls, graph = fake.streams(batch=share), fake.controls(), fake.graph
        existing = [*streams.values(), *controls.values(), *graph.parameters(), *graph.buffers()]
        with fake.precision(), Live(beside=existing) as live, _Messages() as sent:
            backward(graph, streams, controls, micro_batches=plan.machine.micro_batches)
        gradients = size(p.grad for _, p in graph.trained() if p.grad is not None)
        graph.zero_grad(set_to_none=True)
        memory = size(existing) + live.peak + optimizer_state(fake)
    buckets = ceil(gradients / BUCKET)
    average = Collective("all_reduce", "gradients", buckets, gradients)
    of_batch = (
        Collective(name, "the batch", count, sent.bytes[name])
        for name, count in sorted(sent.count.items())
    )
    return Rehearsal(devices, share, memory, (*of_batch, average) if devices > 1 else ())


@contextmanager
def _alone(devices: int) -> Generator[None]:
    """Join a group of which this is the only real process."""
    distributed.init_process_group("fake", rank=0, world_size=devices, store=FakeStore())
    try:
        yield
    finally:
        distributed.destroy_process_group()


def _graph(plan: Plan, *, world: World) -> FakeGraph:
    mode = FakeTensorMode()
    with mode, torch.device("cpu"):
        return FakeGraph(plan, mode, TrainGraph(plan.graph, world=world))


class _Messages(TorchDispatchMode):
    """Mode that counts collectives and their bytes.

    Attributes:
        count, bytes: by the name of the collective.
    """

    def __init__(self) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self.count: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()

    def __torch_dispatch__(  # noqa: PLR0917 - torch's protocol
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - torch's protocol
        """Call the operation, and count it if it is a collective."""
        name = getattr(func, "__name__", "").partition(".")[0]
        if getattr(func, "namespace", "") == "_c10d_functional" and name != "wait_tensor":
            short = name.removesuffix("_into_tensor").removesuffix("_tensor")
            self.count[short] += 1
            given = (t for t in tree_leaves(args) if isinstance(t, Tensor))
            self.bytes[short] += sum(t.numel() * t.element_size() for t in given)
        return func(*args, **(kwargs or {}))
