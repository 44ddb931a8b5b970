"""Every schedule keeps the contract of schedules and gives the published values."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from eqspec.ops.find import find_schedule, op_names
from eqspec.ops.op import OpParams
from eqspec.spec.duration import Clock

EPOCHS_800 = Clock(total=800 * 1251, steps_per_epoch=1251, batch=1024)
DINOV2 = Clock(total=125_000, steps_per_epoch=1250, batch=2048)
EXAMPLES = MappingProxyType({name: find_schedule(name).example for name in op_names("schedules")})


def value(name: str, step: int, *, clock: Clock = EPOCHS_800, **params: object) -> float:
    op = find_schedule(name)
    return op.value(op.Params.model_validate(params or EXAMPLES[name]), step=step, clock=clock)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_schedule_says_what_it_is(name: str) -> None:
    op = find_schedule(name)
    assert op.about.splitlines()[0].endswith(".")
    assert op.rev >= 1
    params = op.Params.model_validate(EXAMPLES[name])
    written = params.model_dump(mode="json")
    assert op.Params.model_validate(written) == params
    assert set(EXAMPLES[name]) <= set(written)


@pytest.mark.parametrize("name", EXAMPLES)
def test_values_are_finite_numbers_at_every_step(name: str) -> None:
    clock = Clock(total=40, steps_per_epoch=1, batch=4)
    values = [value(name, step, clock=clock) for step in range(clock.total)]
    assert all(type(v) is float for v in values)
    assert np.isfinite(values).all()


@pytest.mark.parametrize(
    ("name", "params"),
    [
        *EXAMPLES.items(),
        ("constant", {"value": -2.0}),
        ("linear", {"from": 3.0, "to": -1.0}),
        ("cosine", {"from": -1.0, "to": 1.0}),
        ("warmup_cosine", {"peak": 1.0, "warmup": "5 steps", "start": -3.0}),
        ("warmup_cosine", {"peak": 1.0, "start": -3.0, "final": -2.0, "final_share": 0.5}),
    ],
)
def test_a_schedule_says_how_far_it_goes(name: str, params: dict[str, Any]) -> None:
    op = find_schedule(name)
    clock = Clock(total=2000, steps_per_epoch=10, batch=4)
    values = [value(name, step, clock=clock, **params) for step in range(clock.total)]
    low, high = op.extent(op.Params.model_validate(params))
    assert min(values) == pytest.approx(low, abs=1e-5)
    assert max(values) == pytest.approx(high, abs=1e-5)
    assert low - 1e-15 <= min(values) <= max(values) <= high + 1e-15


@pytest.mark.parametrize(
    ("step", "published"),
    [
        (0, 0.0),
        (1, 1.599e-7),
        (6255, 0.0010000799),
        (12509, 0.002),
        (12510, 0.002),
        (500400, 0.0010203722),
        (800 * 1251 - 1, 1e-6),
    ],
)
def test_learning_rate_of_800_epochs(step: int, published: float) -> None:
    """The released scheduler beside this one, at all of 740 steps: within 5e-19."""
    assert value("warmup_cosine", step) == pytest.approx(published, abs=1e-10)


@pytest.mark.parametrize(
    ("step", "published"),
    [
        (12_499, 0.0056568542),
        (12_500, 0.0056568542),
        (68_750, 0.0028289271),
        (124_999, 1e-6),
    ],
)
def test_learning_rate_of_dinov2(step: int, published: float) -> None:
    reached = value(
        "warmup_cosine",
        step,
        clock=DINOV2,
        peak=0.004 * (2048 / 1024) ** 0.5,
        warmup="12500 steps",
        final=1e-6,
    )
    # The last step stands one short of the end of the wave.
    assert reached == pytest.approx(published, abs=1e-10 if step < 124_999 else 2e-9)


@pytest.mark.parametrize(
    ("start", "end", "middle"), [(0.04, 0.40, 0.22), (0.996, 1.0, 0.998)], ids=["decay", "momentum"]
)
def test_weight_decay_and_momentum(start: float, end: float, middle: float) -> None:
    """The released schedulers beside these, at all of 740 steps: within 2e-16 (MoCo v3's too)."""
    ends = {"from": start, "to": end}
    assert value("cosine", 0, **ends) == start
    assert value("cosine", 400 * 1251, **ends) == pytest.approx(middle, abs=1e-12)
    assert value("cosine", 800 * 1251 - 1, **ends) == pytest.approx(end, abs=1e-10)


def test_dino_warms_the_teacher_up_in_thirty_epochs() -> None:
    published = np.concatenate([np.linspace(0.04, 0.07, 30), [0.07, 0.07]])
    for epoch, temperature in enumerate(published):
        for step in (1251 * epoch, 1251 * epoch + 1250):
            assert value("linear", step) == pytest.approx(temperature, abs=1e-15)


def test_dinov2_warms_the_teacher_up_in_as_many_steps() -> None:
    line = {"from": 0.04, "to": 0.07, "over": "30 epochs"}
    published = np.linspace(0.04, 0.07, 30 * 1250)
    for step in (0, 1, 18_750, 37_499):
        assert value("linear", step, clock=DINOV2, **line) == pytest.approx(published[step])
    assert value("linear", 37_499, clock=DINOV2, **line) == 0.07
    assert value("linear", 37_500, clock=DINOV2, **line) == 0.07


def test_a_line_without_length_takes_the_whole_run() -> None:
    clock = Clock(total=11, steps_per_epoch=2, batch=4)
    line = {"from": 0.0, "to": 1.0}
    assert [value("linear", s, clock=clock, **line) for s in (0, 5, 10)] == [0.0, 0.5, 1.0]


def test_a_rise_that_is_longer_than_the_run_is_cut_off() -> None:
    clock = Clock(total=5, steps_per_epoch=5, batch=4)
    reached = value("warmup_cosine", 4, clock=clock, peak=1.0, warmup="9 steps")
    assert reached == 0.5


def test_a_rise_may_start_above_zero() -> None:
    clock = Clock(total=9, steps_per_epoch=9, batch=4)
    rise = {"peak": 1.0, "warmup": "3 steps", "start": 0.2}
    reached = [value("warmup_cosine", step, clock=clock, **rise) for step in range(4)]
    assert reached == pytest.approx([0.2, 0.6, 1.0, 1.0], abs=1e-15)


def test_a_rise_may_reach_the_peak_where_the_wave_starts() -> None:
    """MoCo v3, MAE and VICReg divide by the steps of the rise, DINO by one less.

    MoCo v3's and VICReg's released functions beside this one, at all of 740 steps: within 6e-17.
    """
    clock = Clock(total=9, steps_per_epoch=9, batch=4)
    rise = {"peak": 1.0, "warmup": "4 steps", "inclusive": False, "start": 0.2}
    reached = [value("warmup_cosine", step, clock=clock, **rise) for step in range(5)]
    assert reached == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0], abs=1e-15)


def test_the_end_may_be_a_share_of_the_peak() -> None:
    """VICReg and Barlow Twins end at a thousandth of it."""
    curve = {"peak": 8.0, "final_share": 0.001}
    assert value("warmup_cosine", 800 * 1251 - 1, **curve) == pytest.approx(0.008, rel=1e-6)
    assert value("warmup_cosine", 400 * 1251, **curve) == pytest.approx(4.004, rel=1e-12)


def test_no_rise_starts_at_the_peak() -> None:
    assert value("warmup_cosine", 0, peak=1.0) == 1.0


def test_fields_are_written_as_cards_write_them() -> None:
    params: OpParams = find_schedule("linear").Params.model_validate(EXAMPLES["linear"])
    assert params.model_dump(mode="json") == EXAMPLES["linear"]
