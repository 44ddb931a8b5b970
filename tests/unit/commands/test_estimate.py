"""Hours, memory and disk of a plan, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from eqspec.build.cost.cached import Line, Memory, Trace
from eqspec.commands.planning.estimate import HEADROOM, disk, on_machine
from eqspec.compile.types.plan import KeepPlan, Plan
from eqspec.registry.cards import MachineCard
from tests.toy_specs import toy_plan

MEMORY = Memory(
    weights=1000,
    gradients=1000,
    optimizer=2000,
    inputs=Line(0.0, 10.0),
    cut=Line(0.0, 10.0),
    encode=Line(0.0, 1000.0),
    loss=Line(500.0, 100.0),
    backward=Line(0.0, 1100.0),
)
TRACE = Trace(
    parameters={"encoder": 250},
    frozen=0,
    gflops_per_sample=1.0,
    train_gflops_per_sample=4.5,
    memory=MEMORY,
)


def plan(**train: Any) -> Plan:
    toy = toy_plan("vicreg")
    return toy.model_copy(update={"train": toy.train.model_copy(update=train)})


def machine(*, devices: int = 2, memory_gib: float = 1.0) -> MachineCard:
    speed = {
        "peak_tflops": 2.0,
        "utilisation": (0.25, 0.5),
        "evidence": "measured",
        "source": "a stopwatch",
    }
    return MachineCard(
        card="machine",
        rev=1,
        about="A machine in a test.",
        devices=devices,
        memory_gib=memory_gib,
        speed={"fp32": speed},
    )


def test_hours_are_operations_over_what_is_reached() -> None:
    """4.5 GFLOPs · 8 · 100,000 = 3.6e15; 2 devices at 1 or 0.5 TFLOPS: half an hour or one."""
    found = on_machine(plan(steps=100_000, batch=8), TRACE, name="m", card=machine())
    assert found.hours == pytest.approx((0.5, 1.0))
    assert (found.share, found.problem, found.evidence) == (4, None, "measured")


def test_a_precision_without_a_figure_has_no_hours() -> None:
    found = on_machine(plan(precision="bf16"), TRACE, name="m", card=machine())
    assert (found.hours, found.evidence, found.source) == (None, None, None)


def test_a_batch_that_cannot_be_shared_is_named() -> None:
    found = on_machine(plan(batch=8), TRACE, name="m", card=machine(devices=3))
    assert found.problem == "a batch of 8 cannot be shared by 3 devices"


def test_micro_batches_are_proposed_where_they_make_it_fit() -> None:
    whole, halves = (MEMORY.peak(8, micro_batches=n) for n in (1, 2))
    card = machine(devices=1, memory_gib=HEADROOM * (whole + halves) / 2 / 2**30)
    found = on_machine(plan(batch=8), TRACE, name="m", card=card)
    assert not found.fits
    assert found.pieces == 2
    roomy = on_machine(plan(batch=8), TRACE, name="m", card=machine(devices=1))
    assert roomy.fits
    assert roomy.pieces == 1
    tiny = machine(devices=1, memory_gib=1000 / 2**30)
    assert on_machine(plan(batch=8), TRACE, name="m", card=tiny).pieces is None


def test_the_disk_holds_what_is_kept() -> None:
    """Saves after 1, 2, 3 and 4 steps: the newest two stay, or also those of even steps."""
    toy = toy_plan("vicreg")
    saves = [p.step for p in toy.timetable if p.checkpoint]
    assert saves == [1, 2, 3, 4]
    found = disk(toy, TRACE, untrained=True)
    assert (found.checkpoint, found.checkpoints, found.results) == (3000, 2, 0)
    assert found.total == 2 * 3000 + found.journals
    kept = toy.model_copy(update={"keep": KeepPlan(last=1, every=2)})
    assert disk(kept, TRACE, untrained=True).checkpoints == 2
