"""The page of results: a table of ratios, then every case with its contestants and machine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from benchmarks.marked import RESULTS, Marks
from benchmarks.speed.machine import Machine
from benchmarks.speed.record import CaseResult, ContestantResult, LimitResult, RatioResult, Results
from benchmarks.speed.summary import Spread

MARKS = Marks("speed", RESULTS / "speed.md")

PEAKS = (("H100", 989.4e12), ("H200", 989.4e12), ("A100", 312e12))
"""Part of a GPU's name → its operations per second in bf16, dense, by its data sheet."""

GIB = 2**30


def lines(results: Results) -> Iterator[str]:
    """Yield the lines of the page between its marks."""
    if not results.cases:
        yield "Not measured yet: `make bench`."
        return
    yield from overview(results)
    for result in results.cases:
        yield ""
        yield f"### {result.case} · {result.title}" + _on(result)
        yield ""
        yield result.about
        yield ""
        yield from contestants(result)
        yield ""
        yield _machine(result.machine)
    if not any(result.device == "cuda" for result in results.cases):
        yield ""
        yield "CUDA: no full measurement yet."


def overview(results: Results) -> Iterator[str]:
    """Yield the table of all ratios."""
    yield "| case | compared | median [quartiles] | rounds | bar | |"
    yield "|---|---|---|---|---|---|"
    for _, group in groupby(results.cases, key=lambda c: c.device):
        for result in group:
            for found in result.ratios:
                yield (
                    f"| {result.case}{_on(result)} | {found.slower} ÷ {found.faster} "
                    f"| {shown(found.ratio)} | {found.ratio.count} | {_bar(found)} "
                    f"| {_verdict(found.met)} |"
                )
            for limit in result.limits:
                yield (
                    f"| {result.case}{_on(result)} | {limit.name}, {limit.fact} "
                    f"| {shown(limit.value)} | {limit.value.count} | {_bar(limit)} "
                    f"| {_verdict(limit.met)} |"
                )


def contestants(result: CaseResult) -> Iterator[str]:
    """Yield the table of a case's contestants."""
    peak = _peak(result.machine)
    facts = tuple(f for f in SHOWN if any(f in c.facts for c in result.contestants))
    extra = [*(["of the peak"] if peak and _counted(result) else []), *(SHOWN[f] for f in facts)]
    head = ("", "seconds a turn", f"{result.unit} a second", "memory", *extra)
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for one in result.contestants:
        cells = [one.name, shown(one.seconds), f"{one.rate:.4g}", _memory(one)]
        if peak and _counted(result):
            cells.append(_utilisation(one, peak=peak))
        cells += [f"{one.facts[f]:.3g}" if f in one.facts else "" for f in facts]
        yield f"| {' | '.join(cells)} |"
    for name, why in result.absent.items():
        yield f"| {name} | {why} |" + " |" * (len(head) - 2)


SHOWN = {
    "cpu": "processor, s",
    "waited": "of it waiting for data, s",
    "loss": "loss",
    "top-1": "top-1",
    "R²": "R²",
}
"""Facts that the table shows, with their headings."""


def shown(value: Spread) -> str:
    """Return a median with its quartiles."""
    return f"{value.median:.3g} [{value.low:.3g}, {value.high:.3g}]"


def _bar(found: RatioResult | LimitResult) -> str:
    low = "" if found.at_least is None else f"≥ {found.at_least:.3g}"
    high = "" if found.at_most is None else f"≤ {found.at_most:.3g}"
    return ", ".join(bar for bar in (low, high) if bar)


def _verdict(met: bool | None) -> str:  # noqa: FBT001 - three cases
    return {None: "", True: "met", False: "**not met**"}[met]


def _on(result: CaseResult) -> str:
    return "" if result.device == "cpu" else f", {result.machine.accelerator}"


def _memory(one: ContestantResult) -> str:
    main = f"{one.memory / GIB:.2f} GiB"
    return f"{main}, GPU {one.device_memory / GIB:.2f} GiB" if one.device_memory else main


def _peak(machine: Machine) -> float | None:
    name = machine.accelerator or ""
    return next((peak for part, peak in PEAKS if part in name), None)


def _counted(result: CaseResult) -> bool:
    return any("operations" in one.facts for one in result.contestants)


def _utilisation(one: ContestantResult, *, peak: float) -> str:
    if "operations" not in one.facts:
        return ""
    return f"{100 * one.facts['operations'] / one.seconds.median / peak:.0f} %"


def _machine(machine: Machine) -> str:
    code = machine.commit[:7] + (" with changes" if machine.dirty else "")
    card = f"{machine.accelerator}, " if machine.accelerator else ""
    packages = ", ".join(f"{n} {v}" for n, v in machine.packages.items())
    return (
        f"Commit {code}, {machine.date} UTC; {card}{machine.cores} cores of {machine.cpu} "
        f"({', '.join(machine.flags)}), {machine.threads} threads, load {machine.load:.1f} before; "
        f"Python {machine.python}, {packages}, {machine.decoder}."
    )
