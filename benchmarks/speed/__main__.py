"""The command line of the benchmarks; see the package."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import speed
from benchmarks.speed.case import Case, Setting
from benchmarks.speed.discover import case_ids, load_case, select
from benchmarks.speed.machine import describe
from benchmarks.speed.measure import measure, rounds_at
from benchmarks.speed.page import MARKS, contestants, lines, overview
from benchmarks.speed.process import ContestantFailed
from benchmarks.speed.record import FOUND, CaseResult, Results, read, summarise
from eqspec.runs.artifacts import write_text


def main(arguments: Sequence[str]) -> int:
    """Run a command; return the exit status."""
    options = _parser().parse_args(arguments)
    match options.command:
        case "list":
            for name in case_ids():
                case = load_case(name)
                _say(f"{name:12} {', '.join(case.devices):10} {case.title}")
        case "render":
            render(read())
        case _:
            return run(options)
    return 0


def run(options: argparse.Namespace) -> int:
    """Measure cases one after the other; record each as soon as it is measured."""
    failed = False
    _require(options.device)
    names = select(options.cases, device=options.device)
    if not names:
        raise SystemExit(f"none of these cases is for {options.device}")
    for name in names:
        began = time.perf_counter()
        try:
            result = measured(name, load_case(name), options=options)
        except ContestantFailed as error:
            _report(f"{name} failed: {error}\n")
            failed = True
            continue
        failed = failed or any(why.startswith("failed") for why in result.absent.values())
        _report(f"{name} took {time.perf_counter() - began:.0f} s\n")
        _say("\n".join(report(result)))
        into = options.into or (FOUND if options.scale == "full" else None)
        if into is not None:
            write_text(into, text=read(into).with_case(result).model_dump_json(indent=1) + "\n")
            if into == FOUND:
                render(read())
    return int(failed)


def _require(device: str) -> None:
    """Refuse a device that is not there."""
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise SystemExit("torch finds no CUDA device here")


def measured(name: str, case: Case, *, options: argparse.Namespace) -> CaseResult:
    """Measure one case, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="eqspec-speed-") as folder:
        place = options.folder or Path(folder)
        setting = Setting(device=options.device, scale=options.scale, folder=place)
        machine = describe(device=options.device)
        rounds = rounds_at(setting, case.rounds, seconds=options.seconds)
        found = measure(
            name,
            case,
            setting=setting,
            rounds=rounds,
            report=lambda text: _report(f"{name}: {text}\n"),
        )
    return summarise(name, case, found, setting=setting, machine=machine)


def report(result: CaseResult) -> list[str]:
    """Return the lines that are printed of a result."""
    head = f"{result.case} · {result.title} ({result.device}, {result.scale})"
    return [head, *contestants(result), "", *overview(Results(cases=(result,))), ""]


def render(results: Results) -> None:
    """Write results into the page."""
    write_text(MARKS.page, text=MARKS.replaced(MARKS.page.read_text(), lines(results)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=speed.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list the cases")
    commands.add_parser("render", help="write the recorded results into the page")
    runs = commands.add_parser("run", help="measure cases")
    runs.add_argument("cases", nargs="*", metavar="CASE", help="all by default")
    runs.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    runs.add_argument(
        "--quick", dest="scale", action="store_const", const="quick", default="full",
        help="small sizes and few rounds; nothing is recorded",
    )  # fmt: skip
    runs.add_argument(
        "--seconds", type=float, help="time for the rounds of a case, after the least of them"
    )
    runs.add_argument("--into", type=Path, help="record in this file instead of results.json")
    runs.add_argument("--folder", type=Path, help="keep the files of the cases here")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _report(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
