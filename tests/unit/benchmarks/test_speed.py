"""Turns alternate, ratios are taken within rounds, results are merged, and the page shows them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.speed.__main__ import main
from benchmarks.speed.case import Case, Comparison, Contestant, Rounds, Setting, Work
from benchmarks.speed.discover import case_ids, load_case, select
from benchmarks.speed.machine import Machine
from benchmarks.speed.measure import Measured, not_installed, rounds_at, take_turns
from benchmarks.speed.page import MARKS, contestants, lines
from benchmarks.speed.process import ContestantFailed, Turn, Usage
from benchmarks.speed.record import CaseResult, Results, read, summarise
from benchmarks.speed.settle import descendants, settle
from benchmarks.speed.summary import ratio, spread
from benchmarks.speed.work.model_step import prepared
from benchmarks.speed.work.recorded_products import Recorder, fastest

MACHINE = Machine(
    commit="0123456789",
    dirty=False,
    date="2026-11-26 12:00",
    cpu="a cpu",
    flags=("avx2",),
    cores=2,
    threads=2,
    accelerator=None,
    load=0.0,
    python="3.11.7",
    decoder="a decoder",
    packages={"torch": "2.14.1"},
)


@dataclass
class Player:
    """Takes turns of given lengths, and notes that it did."""

    name: str
    seconds: list[float]
    log: list[str] = field(default_factory=list)
    broken: bool = False
    closed: bool = False

    def ready(self) -> dict[str, float]:
        if self.broken:
            raise ContestantFailed("out of order")
        return {"parameters": 3.0}

    def turn(self) -> Turn:
        self.log.append(self.name)
        return Turn(self.seconds.pop(0), {"loss": 1.0})

    def usage(self) -> Usage:
        return Usage(memory=2**30, device_memory=0)

    def close(self) -> None:
        self.closed = True


def players(**seconds: list[float]) -> tuple[dict[str, Player], list[str]]:
    log: list[str] = []
    return {name: Player(name, list(times), log) for name, times in seconds.items()}, log


FOUR = Rounds(least=4, most=4, seconds=0.0)


def measured(all_players: Mapping[str, Player], *, rounds: Rounds = FOUR) -> Measured:
    return take_turns(list(all_players), all_players.__getitem__, rounds=rounds, absent={})


def test_contestants_take_turns_in_alternating_order() -> None:
    both, log = players(a=[1.0] * 4, b=[2.0] * 4)
    measured(both)
    assert log == ["a", "b", "b", "a", "a", "b", "b", "a"]
    assert all(player.closed for player in both.values())


def test_a_machine_that_slows_down_does_not_move_a_ratio() -> None:
    drift = [1.0, 1.1, 1.3, 1.7, 2.9]
    found = ratio([3 * d for d in drift], [2 * d for d in drift])
    assert found.median == pytest.approx(1.5)
    assert found.low == pytest.approx(found.high)
    assert spread(drift).median == 1.3
    assert (spread(drift).low, spread(drift).high) == (1.1, 1.7)
    assert spread([2.0]).low == spread([2.0]).high == 2.0


def test_one_that_fails_takes_no_part() -> None:
    both, log = players(a=[1.0] * 4, b=[2.0] * 4)
    both["a"].broken = True
    found = measured(both)
    assert log == ["b"] * 4
    assert found.absent == {"a": "failed: out of order"}


def test_rounds_end_with_their_time_but_not_before_the_least() -> None:
    both, log = players(a=[1.0] * 9)
    measured(both, rounds=Rounds(least=5, most=9, seconds=0.0))
    assert len(log) == 5


def test_a_package_that_is_missing_is_no_error() -> None:
    lacking = Contestant("peer", lambda _: Work(dict), needs=("no_such_package",))
    assert not_installed(lacking) == "no_such_package not installed"
    assert not_installed(replace(lacking, needs=("torch",))) is None


def test_quick_rounds_are_few(tmp_path) -> None:
    quick = Setting("cpu", "quick", tmp_path)
    assert rounds_at(quick, Rounds()).least == 3
    assert rounds_at(replace(quick, scale="full"), Rounds(), seconds=7).seconds == 7


def case(*, at_most: float = 1.5) -> Case:
    return Case(
        title="a title",
        about="Work.",
        unit="images",
        contestants=(),
        comparisons=lambda _: (
            Comparison("b", "a", at_least=2.5),
            Comparison("b", "a", at_most=at_most),
            Comparison("peer", "a", at_least=1.0),
        ),
        amount=lambda _: 10.0,
    )


def result(tmp_path, name: str = "x") -> CaseResult:
    both, _ = players(a=[1.0] * 4, b=[2.0] * 4)
    found = replace(measured(both), absent={"peer": "peer not installed"})
    setting = Setting("cpu", "full", tmp_path)
    return summarise(name, case(), found, setting=setting, machine=MACHINE)


def test_a_result_has_rates_ratios_and_bars(tmp_path) -> None:
    found = result(tmp_path)
    assert [one.rate for one in found.contestants] == [10.0, 5.0]
    assert [(r.ratio.median, r.met) for r in found.ratios] == [(2.0, False), (2.0, False)]
    assert "| b | 2 [2, 2] | 5 | 1.00 GiB | 1 |" in list(contestants(found))
    assert "| peer | peer not installed | | | |" in list(contestants(found))


def test_one_case_replaces_only_itself(tmp_path) -> None:
    both = Results().with_case(result(tmp_path, "y")).with_case(result(tmp_path, "x"))
    later = result(tmp_path, "x").model_copy(
        update={"machine": MACHINE.model_copy(update={"commit": "fedcba9876"})}
    )
    merged = both.with_case(later)
    assert [(c.case, c.machine.commit[:4]) for c in merged.cases] == [("x", "fedc"), ("y", "0123")]
    on_gpu = merged.with_case(later.model_copy(update={"device": "cuda"}))
    assert [(c.case, c.device) for c in on_gpu.cases] == [
        ("x", "cpu"),
        ("y", "cpu"),
        ("x", "cuda"),
    ]
    assert Results.model_validate_json(merged.model_dump_json()) == merged


def test_the_page_gives_commit_machine_and_verdict(tmp_path) -> None:
    text = "\n".join(lines(Results().with_case(result(tmp_path))))
    assert "| x | b ÷ a | 2 [2, 2] | 4 | ≥ 2.5 | **not met** |" in text
    assert "Commit 0123456, 2026-11-26 12:00 UTC; 2 cores of a cpu (avx2)" in text
    assert "CUDA: no full measurement yet." in text


def test_the_page_equals_the_recorded_results() -> None:
    page = MARKS.page.read_text()
    assert MARKS.replaced(page, lines(read())) == page


def test_every_recorded_case_exists_and_was_measured_in_full() -> None:
    known = case_ids()
    assert [c.case for c in read().cases if c.case not in known or c.scale != "full"] == []


def test_the_first_part_of_an_id_selects_a_family() -> None:
    assert select(["a"], device="cpu") == tuple(c for c in case_ids() if c.startswith("a-"))
    assert select(["a-fp32"], device="cpu") == ("a-fp32",)
    assert select(["a"], device="cuda") == ("a-bf16",)
    with pytest.raises(SystemExit, match="there is no case `nothing`"):
        select(["nothing"], device="cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_missing_is_said() -> None:
    with pytest.raises(SystemExit, match="no CUDA device"):
        main(["run", "g", "--device", "cuda"])


@pytest.mark.parametrize("name", case_ids())
def test_contestants_of_a_case_have_different_names(name: str) -> None:
    names = [one.name for one in load_case(name).contestants]
    assert len(names) > 1
    assert len(set(names)) == len(names)


def test_a_turn_ends_when_child_processes_are_at_rest() -> None:
    """A child that computes for a while and then sleeps."""
    code = "import time; t = time.time()\nwhile time.time() < t + 0.5: pass\ntime.sleep(9)"
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", code]) as child:
        try:
            assert child.pid in descendants(os.getpid())
            assert settle(os.getpid()) - began > 0.4
        finally:
            child.kill()


def test_recorded_products_are_those_of_the_step(tmp_path) -> None:
    """Forward and backward again do the same operations, as torch counts them."""
    setting = Setting("cpu", "toy", tmp_path)
    turn, _ = prepared(setting, precision="bf16", machine='machine: {compile: "off"}\n')
    recorder = Recorder()
    with recorder:
        turn()
    repeated = fastest(recorder.calls)
    counts = []
    for work in (turn, repeated):
        with FlopCounterMode(display=False) as counter:
            work()
        counts.append(counter.get_total_flops())
    assert counts[0] == counts[1] > 1e9
