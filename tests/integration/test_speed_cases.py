"""Every contestant of every benchmark does its work at toy size, and all do the same work."""

from __future__ import annotations

import multiprocessing

import pytest
import torch

from benchmarks.speed.case import Setting
from benchmarks.speed.discover import case_ids, load_case
from benchmarks.speed.measure import measure, not_installed, rounds_at
from benchmarks.speed.record import summarise
from tests.unit.benchmarks.test_speed import MACHINE

SLOW = dict.fromkeys(("h", "j", "l"), pytest.mark.slow)
"""Cases whose turns start commands."""


@pytest.mark.filterwarnings("default")  # the peers' own
@pytest.mark.parametrize("name", [pytest.param(n, marks=SLOW.get(n, ())) for n in case_ids()])
def test_contestants_do_the_same_work(name: str, tmp_path) -> None:
    case, setting = load_case(name), Setting("cpu", "toy", tmp_path)
    case.share(setting)
    found: dict[str, dict[str, float]] = {}
    with torch.random.fork_rng():  # the peers draw from the global generator
        for one in case.contestants:
            if not_installed(one) is None:
                work = one.prepare(setting)
                found[one.name] = {**work.facts, **work.turn()}
    for fact, tolerance in case.agree.items():
        values = {name: facts[fact] for name, facts in found.items() if fact in facts}
        assert max(values.values()) - min(values.values()) <= tolerance * max(
            abs(v) for v in values.values()
        ), values
    assert all(c.slower != c.faster for c in case.comparisons(found))
    for child in multiprocessing.active_children():
        child.terminate()


@pytest.mark.slow
def test_a_case_is_measured_in_processes(tmp_path) -> None:
    case, setting = load_case("e-small"), Setting("cpu", "toy", tmp_path)
    rounds = rounds_at(setting, case.rounds, seconds=0.0)
    found = measure("e-small", case, setting=setting, rounds=rounds)
    result = summarise("e-small", case, found, setting=setting, machine=MACHINE)
    assert not result.absent
    assert [one.seconds.count for one in result.contestants] == [5, 5]
    assert all(one.memory > 2**27 for one in result.contestants)
    (ratio,) = result.ratios
    assert ratio.at_most == 1.2
